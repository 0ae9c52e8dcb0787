"""Read tables from CSV and Parquet files, with errors that name the faulty line."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
import tempfile
import weakref
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.parallel import search_path

FAULTS = (Exception, pl.exceptions.PanicException)
"""The errors of Polars for damaged tables. A panic of its Rust code is not an Exception."""


def is_parquet(tree: Tree, name: str) -> bool:
    """Return whether a file is Parquet: by its extension or, if it is the only file, by its content."""
    return name.lower().endswith(".parquet") or (tree.single and tree.start(name, 4) == b"PAR1")


_SCHEMAS: weakref.WeakKeyDictionary[Tree, dict[str, Mapping[str, pl.DataType]]] = weakref.WeakKeyDictionary()


def schema(tree: Tree, name: str) -> Mapping[str, pl.DataType]:
    """Return the columns of a Parquet file and their types; cached, since an archive must read the whole file."""
    known = _SCHEMAS.setdefault(tree, {})
    if name not in known:
        try:
            source = tree.on_disk(name) or io.BytesIO(tree.read(name))
            known[name] = dict(pl.scan_parquet(source, glob=False).collect_schema())
        except FAULTS as error:
            raise damaged(tree, name, error) from error
    return known[name]


def columns(tree: Tree, name: str) -> list[str]:
    """Return the column names of a CSV (its first line) or Parquet file; [] for other files."""
    suffix = name.lower().rsplit(".", 1)[-1]
    if is_parquet(tree, name):
        return list(schema(tree, name))
    if suffix in ("csv", "tsv") or tree.single:
        first = tree.start(name, 2**20).split(b"\n", 1)[0]
        if b"\x00" in first:
            return []
        try:
            text = first.decode("utf-8-sig").strip("\r")
        except UnicodeDecodeError:
            text = first.decode("latin-1").strip("\r")  # `read_words` reports the encoding
        try:
            return next(csv.reader([text], delimiter=separator(name)), [])
        except csv.Error:  # a line longer than any header is
            return []
    return []


def column_of(names: Sequence[str], words: Sequence[str]) -> str | None:
    """Return the column with the first of these names that occurs, ignoring case, or None."""
    lower = {name.strip().lower(): name for name in names}
    return next((lower[word] for word in words if word in lower), None)


def read_csv(tree: Tree, name: str, **options: Any) -> pl.DataFrame:
    """Read a CSV file with polars.read_csv and these options. Raises DataError if it is damaged."""
    try:
        table = pl.read_csv(io.BytesIO(tree.read(name)), **options)
    except FAULTS as error:
        raise damaged(tree, name, error) from error
    if table.columns != columns(tree, name):  # Polars skips empty lines, and splits lines in its own way
        raise damaged(tree, name, ValueError("its first line is not a list of column names"))
    return table


def read_parquet(tree: Tree, name: str, wanted: Sequence[str] = (), most: int | None = None) -> pl.DataFrame:
    """Read a Parquet file, or only its columns `wanted` and its first rows. Raises DataError if it is damaged.

    The file is read in a separate process: Polars ends its process if a damaged length in the file requests more memory
    than there is (found by benchmarks/fuzz.py).
    """
    with tempfile.TemporaryDirectory() as folder:
        target, source = Path(folder, "table.arrow"), tree.on_disk(name)
        if source is None:
            source = str(Path(folder, "table.parquet"))
            Path(source).write_bytes(tree.read(name))
        command = [
            sys.executable,
            "-I",
            "-c",
            _READ,
            source,
            str(target),
            json.dumps([list(wanted), most]),
            *search_path(),
        ]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")  # noqa: S603  # our own code
        if done.returncode == _NO_LIBRARY:
            raise RuntimeError(f"the reader of Parquet files cannot start:\n{done.stderr}")
        if done.returncode:
            words = [line for line in done.stderr.splitlines() if line.strip()] or ["Polars ended unexpectedly"]
            raise damaged(tree, name, ValueError(words[-1] if done.returncode == 1 else words[0]))
        return pl.read_ipc(io.BytesIO(target.read_bytes()))


_NO_LIBRARY = 3
"""Exit code of the child process where the library cannot be imported."""

_READ = f"""import sys; sys.path += sys.argv[4:]; import json, traceback
try:
    import polars
    columns, most = json.loads(sys.argv[3])
    table = polars.read_parquet(sys.argv[1], glob=False, columns=columns or None, n_rows=most)
    table.write_ipc(sys.argv[2])
except ImportError:
    traceback.print_exc()
    sys.exit({_NO_LIBRARY})"""


def rows(tree: Tree, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines of a CSV with their numbers, as an editor counts them. Slow and exact, to find faults."""
    text = io.TextIOWrapper(io.BytesIO(tree.read(name)), encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text, delimiter=separator(name))
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise DataError(
            f"{tree.describe(name)}, line {reader.line_num}: cannot be read ({error})",
            "values between separators, and quotation marks in pairs",
            "look for a stray quotation mark in the lines before",
        ) from error


def separator(name: str) -> str:
    """Return the separator of a table: tab for .tsv, else comma."""
    return "\t" if name.lower().endswith(".tsv") else ","


def damaged(tree: Tree, name: str, error: BaseException) -> DataError:
    """Return the error for a table that Polars cannot read."""
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
    return DataError(f"{tree.describe(name)}: cannot be read ({reason})", "an undamaged table", "save or copy it again")

"""Read a text table as it was written: encoding, separator, header line or none, blanks after separators."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import polars as pl

from tellapart.data.formats._table import Table, canonical
from tellapart.data.layout import Layout
from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture

HEAD = 2**18
"""Bytes of a large table that are read to find out what it contains."""

LARGE = 2**22
"""Larger tables are read by Polars, which is fast, if they are plain; others by Python, which names faulty lines."""

LINES = 40
"""Lines that decide the dialect."""

SAID = re.compile(r"sep=(.)\r?\n", re.IGNORECASE)
"""The first line that gives Excel the separator."""

BATCH = 2**16
"""Rows that Python reads at once."""

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
"""The separators that are recognised, the preferred one first."""


@dataclass(frozen=True)
class Dialect:
    """How a text table is written. `blanks`: with blanks after the separators."""

    encoding: str
    separator: str
    blanks: bool
    header: bool

    def said(self, name: str) -> tuple[str, ...]:
        """Return what is unusual, in words."""
        usual = "\t" if name.lower().endswith(".tsv") else ","
        words = SEPARATORS.get(self.separator, repr(self.separator))
        return (
            *([f"{words} between the columns"] if self.separator != usual else []),
            *([self.encoding.upper().removesuffix("-LE").removesuffix("-BE")] if self.encoding[:5] == "utf-1" else []),
            *(["no header line"] if not self.header else []),
        )


def read_text(tree: Tree, name: str, layout: Layout, head: bool = False) -> Table | None:
    """Read a text table, or only its `head`; None for a file that is not text, and an empty table for an empty file.

    Raises DataError, which names the line of a short or long row, unless only the head is read.
    """
    data = first_bytes(tree, name) if head else tree.read(name)
    encoding = encoding_of(data)
    if encoding is None:
        return None
    whole = not head or tree.size(name) <= len(data)
    text = _decoded(tree, name, data, encoding, strict=not head)
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r"), 0)] or text
    if said := SAID.match(text):
        text, layout = text[said.end() :], replace(layout, delimiter=layout.delimiter or said[1])
        data = text.encode("utf-8", "replace")
    dialect = _dialect(text[:HEAD], name, encoding, layout)
    names = _names(text, dialect)
    frame = _fast(data, dialect, names) if len(data) > LARGE else None
    if frame is None:
        frame = _frame(_checked(tree, name, text, dialect, names, head), names)
    frame = frame.drop(_indices(frame))
    return Table(name, tree.describe(name), frame, dialect.said(name), dialect.header)


def first_bytes(tree: Tree, name: str) -> bytes:
    """Return a file, or only its start if it is large."""
    return tree.start(name, LARGE if tree.size(name) <= LARGE else HEAD)


def encoding_of(data: bytes) -> str | None:
    """Return the encoding of text by its first bytes, or None for bytes that are not text. UTF-16 has zeros."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = data[:4096]
    if b"\0" not in start:
        return "utf-8-sig"
    even, odd = (start[place::2].count(0) / max(len(start) // 2, 1) for place in (0, 1))
    if min(even, odd) < 0.1 and max(even, odd) > 0.4:
        return "utf-16-le" if odd > even else "utf-16-be"
    return "utf-8-sig" if b"\0" not in start.splitlines()[0] else None


def _decoded(tree: Tree, name: str, data: bytes, encoding: str, strict: bool) -> str:
    try:
        return data.decode(encoding, "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"{tree.describe(name)}, line {line}: is not {encoding.upper().removesuffix('-SIG')} text",
            "a table in UTF-8",
            "save it as 'CSV UTF-8'; spreadsheets use an older encoding for plain CSV",
        ) from error


def _dialect(text: str, name: str, encoding: str, layout: Layout) -> Dialect:
    separator = layout.delimiter or ("\t" if name.lower().endswith(".tsv") else _separator(text))
    separator = separator.replace("\\t", "\t")
    rows = _first_rows(text, separator)
    blanks = len(rows) > 1 and all(value.startswith(" ") for row in rows[1:] for value in row[1:])
    return Dialect(encoding, separator, blanks and any(len(row) > 1 for row in rows), not _is_data(rows))


def _separator(text: str) -> str:
    """Return the separator for which all lines have the same number of values, at least two; else the comma."""
    best, most = ",", 1
    for separator in SEPARATORS:
        widths = Counter(map(len, _first_rows(text, separator)))
        if len(widths) == 1 and (width := next(iter(widths))) > most:
            best, most = separator, width
    return best


def _first_rows(text: str, separator: str) -> list[list[str]]:
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
        return [row for row in islice(reader, LINES) if row]
    except csv.Error:  # a line that is longer than any header
        return []


def _is_data(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether a first row has the name of a picture file, as the next ones do, and so is not a header."""
    return bool(rows) and any(_is_file(value) for value in rows[0])


def _is_file(value: str) -> bool:
    base = value.strip().replace("\\", "/").rpartition("/")[2]
    return "." in base[1:] and looks_like_picture(base) and not base.startswith(".")


def _names(text: str, dialect: Dialect) -> list[str]:
    rows = _first_rows(text, dialect.separator)
    first = rows[0] if rows else []
    names = [value.strip() for value in first]
    if not dialect.header:
        return [f"column {number}" for number in range(1, len(first) + 1)]
    unnamed = "Unnamed: 0.1" if "Unnamed: 0" in names else "Unnamed: 0"  # as pandas does
    return [name or (f"Unnamed: {number}" if number else unnamed) for number, name in enumerate(names)]


def _fast(data: bytes, dialect: Dialect, names: list[str]) -> pl.DataFrame | None:
    """Read a plain table with Polars; None where it may read something else than Python, or finds a fault."""
    if dialect.encoding != "utf-8-sig" or b'"' in data or len(dialect.separator) != 1 or len(set(names)) < len(names):
        return None
    blank = b"\n" + dialect.separator.encode() * (len(names) - 1) + b"\n"
    if b"\n" not in data[:HEAD] or b"\n\n" in data or b"\n\r" in data or b"\0" in data or blank in data:
        return None
    try:
        frame = pl.read_csv(
            io.BytesIO(data.removeprefix(b"\xef\xbb\xbf")), separator=dialect.separator, has_header=False,
            skip_rows=int(dialect.header), infer_schema=False, new_columns=names, quote_char=None,
        )  # fmt: skip
    except (Exception, pl.exceptions.PanicException):  # Python finds the faulty line
        return None
    short = frame.columns != names or bool(frame[names[-1]].null_count())  # Polars fills up short rows
    return None if short else frame.with_columns(pl.all().fill_null(""))


def _checked(
    tree: Tree, name: str, text: str, dialect: Dialect, names: list[str], head: bool
) -> Iterator[Sequence[str]]:
    """Yield the rows below the header, without empty lines. Raises DataError at a row of another length."""
    where = tree.describe(name)
    double = next((column for column in names if names.count(column) > 1), None)
    if double is not None and not head:
        raise DataError(f"{where}: has two columns {double!r}", "unique column names", "rename or remove one")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=dialect.separator, skipinitialspace=dialect.blanks)
    skip = dialect.header
    try:
        for row in reader:
            if not any(row):  # spreadsheets add rows of separators
                continue
            if skip:
                skip = False
            elif len(row) == len(names):
                yield row
            elif not head:
                raise DataError(
                    f"{where}, line {reader.line_num}: has {len(row)} values",
                    f"{len(names)}, as in the {'header' if dialect.header else 'first line'}",
                    "repair or remove the line",
                )
    except csv.Error as error:
        if head:
            return
        raise DataError(
            f"{where}, line {reader.line_num}: cannot be read ({error})",
            "values between separators, and quotation marks in pairs",
            "look for a stray quotation mark in the lines before",
        ) from error


def _frame(rows: Iterator[Sequence[str]], names: list[str]) -> pl.DataFrame:
    """Return rows as a table of text; only a batch of them is in memory as Python objects."""
    names = list(dict.fromkeys(names))
    batches = []
    while batch := list(islice(rows, BATCH)):
        values = zip(*batch, strict=True)
        batches.append(
            pl.DataFrame([pl.Series(column, value, pl.String) for column, value in zip(names, values, strict=False)])
        )
    return pl.concat(batches) if batches else pl.DataFrame(schema=dict.fromkeys(names, pl.String))


def _indices(frame: pl.DataFrame) -> list[str]:
    """Return the columns that only number the rows, as pandas writes them: without a name."""
    return [
        column for column in frame.columns
        if canonical(column).startswith("unnamed") and frame[column].str.contains(r"^\d*$").all()
    ]  # fmt: skip

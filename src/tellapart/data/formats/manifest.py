"""A CSV, TSV or Parquet table that lists picture files: `file_name` (or `path`), `label`, optional `split`, `group`.

Or one table per split, known by its name or its folder's: `train.csv` and `test.csv`, `train/metadata.csv` ...
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl

from tellapart.data.arrays import to_labels
from tellapart.data.collection import Collection
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.formats._pictures import picture_files, png
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import SPLITS, split_named, split_of_file
from tellapart.data.tables import column_of, columns, is_parquet, read_parquet, read_words, schema, separator
from tellapart.data.tree import SAMPLE_FILES, Tree, with_slashes
from tellapart.errors import DataError

FILE_COLUMNS = ("file_name", "filename", "path", "file", "filepath", "image_path")
"""Names of columns that can only have file names. A column `image` may have something else."""

COLUMNS = {
    "file": (*FILE_COLUMNS, "image", "image_name", "img"),
    "label": ("label", "class", "class_name", "target"),
    "split": ("split", "part", "subset"),
    "group": ("group", "subject"),
}
"""The names of the columns of each kind, the preferred one first."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match a table with columns of file names and labels; a table that lacks a column or its files matches less.

    A table whose column may not be of file names must list a file that exists: a competition's solution file has a
    column `image` too. So must the only table in a tree of class folders, which may be left over from other data.
    """
    names = _files(tree)
    if not names:
        return Match.NONE
    header = columns(tree, names[0])
    if not column_of(header, COLUMNS["file"]) or not column_of(header, COLUMNS["label"]):
        return Match.INCOMPLETE
    column = column_of(header, FILE_COLUMNS)
    if column is None:
        return Match.COLUMNS if _lists_first_file(tree, names[0]) else Match.INCOMPLETE
    if is_stray(tree, names) and not _lists_some_file(tree, names[0], column):
        return Match.INCOMPLETE
    return Match.COLUMNS


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Paths are relative to the table's folder; missing files are skipped later."""
    names = _files(tree)
    if len(names) > 1:
        _check_splits(tree, names)
    seen: set[str] = set()
    lists = [_list(tree, name, seen) for name in names]
    where = tree.describe(names[0])
    files = [file for table in lists for file in table.files]
    words = [label for table in lists for label in table.labels]
    labels: list[str] | list[int] = words
    if all(label.isdecimal() and str(int(label)) == label for label in set(words)):  # 007 is a name
        labels = [int(label) for label in words]
    positions, classes = to_labels(np.array(labels), where, layout.class_names)
    groups = [group for table in lists for group in table.groups or [None] * len(table.files)]
    headers = [set(table.columns) for table in lists]
    return Collection(
        name=tree.path.stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=classes,
        labels=positions,
        keys=files,
        pictures=picture_files(tree, files, names),
        splits=_joined_splits(names, lists),
        groups=_groups(groups) if any(table.groups is not None for table in lists) else None,
        columns={
            column: [value for table in lists for value in table.columns[column]]
            for column in lists[0].columns
            if all(column in header for header in headers)
        },
    )


def write(collection: Collection, folder: Path) -> None:
    """Write `manifest.csv` and a folder `pictures` of PNG files."""
    (folder / "pictures").mkdir()
    files = [f"pictures/{i:06d}.png" for i in range(len(collection))]
    for i, file in enumerate(files):
        (folder / file).write_bytes(png(collection, i))
    table = {"file_name": files, "label": [collection.label(i) for i in range(len(collection))]}
    if collection.splits is not None:
        table["split"] = collection.splits.tolist()
    if collection.groups is not None:
        table["group"] = collection.groups.tolist()
    pl.DataFrame(table).write_csv(folder / "manifest.csv")


@dataclass(frozen=True)
class _List:
    """The rows of one table, one per picture; `splits` and `groups` are None where it has no such column."""

    files: list[str]
    labels: list[str]
    splits: list[str] | None
    groups: list[str | None] | None
    columns: dict[str, list[str | None]]


def _list(tree: Tree, name: str, seen: set[str]) -> _List:
    """Read a table of picture files. `seen` has the files that other tables list; those of this table are added."""
    where = tree.describe(name)
    if not tree.size(name):
        raise DataError(f"{where}: the file is empty", "a table of file names and labels", "copy it again")
    table = read_words(tree, name)
    roles = {role: column_of(table.columns, COLUMNS[role]) for role in COLUMNS}
    file_column, label_column = roles["file"], roles["label"]
    if file_column is None or label_column is None:
        missing = "file" if file_column is None else "label"
        raise DataError(
            f"{where}: has no column {COLUMNS[missing][0]!r} (it has {', '.join(table.columns) or 'none'})",
            "the columns file_name and label, and optionally split and group",
            "add or rename the column",
        )
    stripped = [column for role, column in roles.items() if column and role != "file"]
    table = table.with_columns(pl.col(stripped).str.strip_chars())
    _check_filled(table, [column for role, column in roles.items() if column and role != "group"], where)
    files = _paths(tree, name, table[file_column].to_list())
    row = next((row for row, file in enumerate(files, 1) if "\0" in file), None)
    if row is not None:
        raise DataError(f"{where}, row {row}: the file name contains a NUL character", "the name of a file", "")
    _check_unique(files, where, seen)
    return _List(
        files,
        table[label_column].to_list(),
        _splits(table, roles["split"], where),
        None if roles["group"] is None else table[roles["group"]].to_list(),
        {
            column: table[column].to_list()
            for column in table.columns
            if column not in [roles[role] for role in ("file", "label", "split")]
        },
    )


def _paths(tree: Tree, name: str, written: list[str]) -> list[str]:
    """Return the files that a table lists, relative to the root of the tree."""
    if all(file.startswith(" ") for file in written):  # blanks after the separators
        written = [file.strip() for file in written]
    folder = PurePosixPath(name).parent
    with_backslash = next((file for file in written if "\\" in file), None)
    if with_backslash and (os.sep == "\\" or not tree.exists(str(folder / with_backslash))):
        written = with_slashes(written)  # a table from Windows
    return [str(folder / file) for file in written]


def _files(tree: Tree) -> list[str]:
    """Return the table to read, or several, one per split; tables without labels only where there are no others."""
    tables = [name for name in tree.names if name.lower().endswith((".csv", ".tsv", ".parquet")) or tree.single]
    top = min((name.count("/") for name in tables), default=0)
    tables = [name for name in tables if name.count("/") == top]
    with_files = [name for name in tables if column_of(columns(tree, name), COLUMNS["file"])]
    labelled = [name for name in with_files if column_of(columns(tree, name), COLUMNS["label"])]
    by_name = [name for name in tables if PurePosixPath(name).stem in ("manifest", "metadata")]
    if len(labelled) > 1 and not any(split_of_file(name) for name in labelled):
        manifests = [name for name in labelled if name in by_name]
        return manifests if len(manifests) == 1 else labelled
    return labelled or with_files[:1] or by_name[:1]


def _check_splits(tree: Tree, names: list[str]) -> None:
    """Raise DataError unless each of several tables has a split of its own."""
    splits = [split_of_file(name) for name in names]
    if None in splits or len(set(splits)) < len(splits):
        raise DataError(
            f"{tree.path}: contains several tables of picture files ({', '.join(names[:5])})",
            "one table, or one per split, named train.csv, validation.csv, test.csv",
            "give the path of the table to read",
        )


def _joined_splits(names: list[str], lists: list[_List]) -> np.ndarray | None:
    """Return the splits [n], from a column of the table or, if there are several tables, from their names."""
    if len(lists) == 1:
        return None if lists[0].splits is None else np.array(lists[0].splits)
    splits: list[str] = []
    for name, table in zip(names, lists, strict=True):
        splits += table.splits or [split_of_file(name) or "train"] * len(table.files)
    return np.array(splits)


def _lists_first_file(tree: Tree, name: str) -> bool:
    """Return whether the first file that a table lists exists; true where the table is faulty: `read` explains why."""
    column = column_of(columns(tree, name), COLUMNS["file"])
    if is_parquet(tree, name) and column and schema(tree, name)[column] != pl.String:
        return False  # the column has pictures, and is slow to read
    try:
        files = _list(tree, name, set()).files
    except DataError:
        return True
    return bool(files) and tree.exists(files[0])


def _lists_some_file(tree: Tree, name: str, column: str) -> bool:
    """Return whether any of the first files in a table's column exists; true where the table cannot be read."""
    try:
        if is_parquet(tree, name):
            written = read_parquet(tree, name, (column,))[column].cast(pl.String).drop_nulls().to_list()[:SAMPLE_FILES]
        else:
            text = tree.start(name, 2**16).decode("utf-8-sig", "replace")
            lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator(name))
            place = next(lines).index(column)
            written = [row[place].rstrip() for row in islice(lines, SAMPLE_FILES) if len(row) > place]
    except (DataError, csv.Error, StopIteration, ValueError):
        return True
    return any("\0" not in file and tree.exists(file) for file in _paths(tree, name, written))


def _check_filled(table: pl.DataFrame, names: list[str], where: str) -> None:
    for name in names:
        empty = (table[name].is_null() | (table[name] == "")).arg_true()
        if len(empty):
            raise DataError(f"{where}, row {empty[0] + 1}: the column {name!r} is empty", "a value in every row", "")


def _groups(words: Sequence[str | None]) -> np.ndarray:
    """Return the names of groups [n]; a picture without a name is a group of its own."""
    return np.array([word or f"row {row}" for row, word in enumerate(words)])


def _check_unique(files: list[str], where: str, seen: set[str]) -> None:
    for row, file in enumerate(files, 1):
        if file in seen:
            raise DataError(f"{where}, row {row}: lists {file} a second time", "each file once", "remove the row")
        seen.add(file)


def _splits(table: pl.DataFrame, column: str | None, where: str) -> list[str] | None:
    if column is None:
        return None
    splits = []
    for row, word in enumerate(table[column].to_list(), 1):
        if (split := split_named(word)) is None:
            raise DataError(
                f"{where}, row {row}: {word!r} in the column {column!r} is not a valid split",
                f"one of {', '.join(SPLITS)}",
                "correct the value, or remove the column",
            )
        splits.append(split)
    return splits

"""A CSV, TSV or Parquet table that lists picture files: `file_name` (or `path`), `label`, optional `split`, `group`.

Or a table for each part, told by its name or its folder's: `train.csv` and `test.csv`, `train/metadata.csv` ...
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl

from tellapart.data.arrays import to_labels
from tellapart.data.collection import Collection
from tellapart.data.formats.class_folders import encoded, write_png
from tellapart.data.split_names import SPLITS, split_named, split_of_file
from tellapart.data.tables import column_of, columns, is_parquet, read_words, schema
from tellapart.data.tree import Tree, with_slashes
from tellapart.errors import DataError

SURE = ("file_name", "filename", "path", "file", "filepath", "image_path")
COLUMNS = {
    "file": (*SURE, "image", "image_name", "img"),
    "label": ("label", "class", "class_name", "target"),
    "split": ("split", "part", "subset"),
    "group": ("group", "subject"),
}


def likeness(tree: Tree) -> int:
    """A table with columns of file names and labels; one that lacks something counts less than class folders do.

    So does one that speaks of images but lists none that is there, such as a competition's answers beside the folders.
    """
    names = _files(tree)
    header = columns(tree, names[0]) if names else []
    whole = column_of(header, COLUMNS["file"]) and column_of(header, COLUMNS["label"])
    if not whole or (column_of(header, SURE) is None and not _lists_files(tree, names[0])):
        return 40 if names else 0
    return 88


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """See the contract. Paths are relative to the table's own folder; a missing file is set aside when it is read."""
    names = _files(tree)
    if len(names) > 1:
        _check_parts(tree, names)
    seen: set[str] = set()
    lists = [_list(tree, name, seen) for name in names]
    where = tree.describe(names[0])
    files = [file for one in lists for file in one.files]
    words = [label for one in lists for label in one.labels]
    labels: list[str] | list[int] = words
    if all(label.isdecimal() and str(int(label)) == label for label in set(words)):  # 007 is a name
        labels = [int(label) for label in words]
    positions, classes = to_labels(np.array(labels), where, class_names)
    groups = [group for one in lists for group in one.groups or [None] * len(one.files)]
    known = [set(one.columns) for one in lists]
    return Collection(
        name=tree.path.stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=classes,
        labels=positions,
        keys=files,
        pictures=encoded(tree, files),
        splits=_joined_parts(names, lists),
        groups=_groups(groups) if any(one.groups is not None for one in lists) else None,
        columns={
            column: [value for one in lists for value in one.columns[column]]
            for column in lists[0].columns
            if all(column in them for them in known)
        },
    )


def write(collection: Collection, folder: Path) -> None:
    """`manifest.csv` beside a folder of PNG files."""
    pictures = folder / "pictures"
    pictures.mkdir()
    files = [f"pictures/{i:06d}.png" for i in range(len(collection))]
    for i, file in enumerate(files):
        write_png(collection, i, folder / file)
    table = {"file_name": files, "label": [collection.label(i) for i in range(len(collection))]}
    if collection.splits is not None:
        table["split"] = collection.splits.tolist()
    if collection.groups is not None:
        table["group"] = collection.groups.tolist()
    pl.DataFrame(table).write_csv(folder / "manifest.csv")


@dataclass(frozen=True)
class _List:
    """What a table says, a row a picture; `parts` and `groups` are None where it has no such column."""

    files: list[str]
    labels: list[str]
    splits: list[str] | None
    groups: list[str | None] | None
    columns: dict[str, list[str | None]]


def _list(tree: Tree, name: str, seen: set[str]) -> _List:
    """A table of picture files; `seen` are those that other tables list, and takes up its own."""
    where = tree.describe(name)
    if not tree.size(name):
        raise DataError(f"{where}: the file is empty", "a table of file names and labels", "copy it again")
    table = read_words(tree, name)
    found = {role: column_of(table.columns, COLUMNS[role]) for role in COLUMNS}
    file_column, label_column = found["file"], found["label"]
    if file_column is None or label_column is None:
        missing = "file" if file_column is None else "label"
        raise DataError(
            f"{where}: has no column {COLUMNS[missing][0]!r} (it has {', '.join(table.columns) or 'none'})",
            "the columns file_name and label, and if wanted split and group",
            "add or rename the column",
        )
    spoken = [column for role, column in found.items() if column and role != "file"]
    table = table.with_columns(pl.col(spoken).str.strip_chars())
    _check_filled(table, [column for role, column in found.items() if column and role != "group"], where)
    written = table[file_column].to_list()
    if all(file.startswith(" ") for file in written):  # blanks after the separators
        written = [file.strip() for file in written]
    folder = PurePosixPath(name).parent
    odd = next((file for file in written if "\\" in file), None)
    if odd and (os.sep == "\\" or not tree.exists(str(folder / odd))):
        written = with_slashes(written)  # a table made on Windows
    row = next((row for row, file in enumerate(written, 1) if "\0" in file), None)
    if row is not None:
        raise DataError(f"{where}, row {row}: the file name holds a NUL", "the name of a file", "correct it")
    files = [str(folder / file) for file in written]
    _check_unique(files, where, seen)
    return _List(
        files,
        table[label_column].to_list(),
        _parts(table, found["split"], where),
        None if found["group"] is None else table[found["group"]].to_list(),
        {
            column: table[column].to_list()
            for column in table.columns
            if column not in [found[role] for role in ("file", "label", "split")]
        },
    )


def _files(tree: Tree) -> list[str]:
    """The table to read, or several, each of a part; those without labels where there are no others."""
    tables = [name for name in tree.names if name.lower().endswith((".csv", ".tsv", ".parquet")) or tree.single]
    top = min((name.count("/") for name in tables), default=0)
    tables = [name for name in tables if name.count("/") == top]
    found = [name for name in tables if column_of(columns(tree, name), COLUMNS["file"])]
    labelled = [name for name in found if column_of(columns(tree, name), COLUMNS["label"])]
    called = [name for name in tables if PurePosixPath(name).stem in ("manifest", "metadata")]
    if len(labelled) > 1 and not any(split_of_file(name) for name in labelled):
        plain = [name for name in labelled if name in called]
        return plain if len(plain) == 1 else labelled
    return labelled or found[:1] or called[:1]


def _check_parts(tree: Tree, names: list[str]) -> None:
    """Raise DataError unless each of several tables is of a part of its own."""
    splits = [split_of_file(name) for name in names]
    if None in splits or len(set(splits)) < len(splits):
        raise DataError(
            f"{tree.path}: holds several tables of picture files ({', '.join(names[:5])})",
            "one, or one for each part, called train.csv, validation.csv, test.csv",
            "name the one to read: give its path",
        )


def _joined_parts(names: list[str], lists: list[_List]) -> np.ndarray | None:
    """Parts [n], from a split column or, of several tables, from their names."""
    if len(lists) == 1:
        return None if lists[0].splits is None else np.array(lists[0].splits)
    found = [
        one.splits or [split_of_file(name) or "train"] * len(one.files) for name, one in zip(names, lists, strict=True)
    ]
    return np.array([split for splits in found for split in splits])


def _lists_files(tree: Tree, name: str) -> bool:
    """Whether the first file that a table lists is there."""
    column = column_of(columns(tree, name), COLUMNS["file"])
    if is_parquet(tree, name) and column and schema(tree, name)[column] != pl.String:
        return False  # pictures, and much to read
    try:
        files = _list(tree, name, set()).files
    except DataError:
        return True  # reading says what is wrong
    return bool(files) and tree.exists(files[0])


def _check_filled(table: pl.DataFrame, names: list[str], where: str) -> None:
    for name in names:
        empty = (table[name].is_null() | (table[name] == "")).arg_true()
        if len(empty):
            raise DataError(
                f"{where}, row {empty[0] + 1}: the column {name!r} is empty", "a value in every row", "fill it in"
            )


def _groups(words: Sequence[str | None]) -> np.ndarray:
    """A picture without a group is a group of its own."""
    return np.array([word or f"row {row}" for row, word in enumerate(words)])


def _check_unique(files: list[str], where: str, seen: set[str]) -> None:
    for row, file in enumerate(files, 1):
        if file in seen:
            raise DataError(f"{where}, row {row}: lists {file} a second time", "each file once", "remove the row")
        seen.add(file)


def _parts(table: pl.DataFrame, column: str | None, where: str) -> list[str] | None:
    if column is None:
        return None
    words = table[column].to_list()
    splits = []
    for row, word in enumerate(words, 1):
        if (split := split_named(word)) is None:
            raise DataError(
                f"{where}, row {row}: {word!r} in the column {column!r} is no part",
                f"one of {', '.join(SPLITS)}",
                "correct it, or leave the column out",
            )
        splits.append(split)
    return splits

"""A CSV, TSV or Parquet table that lists picture files: `file_name` (or `path`), `label`, optional `split`, `group`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import polars as pl

from tellapart.data.arrays import to_labels
from tellapart.data.collection import Collection
from tellapart.data.formats.class_folders import encoded, write_png
from tellapart.data.parts import PARTS, part_of
from tellapart.data.tables import columns, read_words
from tellapart.data.tree import Tree
from tellapart.errors import DataError

COLUMNS = {
    "file": ("file_name", "filename", "path", "file", "filepath", "image_path"),
    "label": ("label", "class", "class_name", "target"),
    "split": ("split", "part", "subset"),
    "group": ("group", "subject"),
}


def likeness(tree: Tree) -> int:
    """A table with columns of file names and labels; one that lacks something counts less than class folders do."""
    name = _file(tree)
    header = columns(tree, name) if name else []
    whole = _column(header, "file") and _column(header, "label")
    return 88 if whole else 40 if name else 0


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """See the contract. Paths are relative to the table's own folder; a missing file is set aside when it is read."""
    name = _file(tree)
    where = tree.describe(name)
    if not tree.size(name):
        raise DataError(f"{where}: the file is empty", "a table of file names and labels", "copy it again")
    table = read_words(tree, name)
    found = {role: _column(table.columns, role) for role in COLUMNS}
    file_column, label_column = found["file"], found["label"]
    if file_column is None or label_column is None:
        missing = "file" if file_column is None else "label"
        raise DataError(
            f"{where}: has no column {COLUMNS[missing][0]!r} (it has {', '.join(table.columns) or 'none'})",
            "the columns file_name and label, and if wanted split and group",
            "add or rename the column",
        )
    _check_filled(table, [column for role, column in found.items() if column and role != "group"], where)
    folder = PurePosixPath(name).parent
    files = [str(folder / file) for file in table[file_column].to_list()]
    labels = table[label_column].to_list()
    if all(label.isdecimal() and str(int(label)) == label for label in set(labels)):  # 007 is a name
        labels = [int(label) for label in labels]
    positions, names = to_labels(np.array(labels), where, class_names)
    _check_unique(files, where)
    return Collection(
        name=tree.path.stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=names,
        labels=positions,
        keys=files,
        pictures=encoded(tree, files),
        parts=_parts(table, found["split"], where),
        groups=None if found["group"] is None else _groups(table[found["group"]].to_list()),
        columns={
            column: table[column].to_list()
            for column in table.columns
            if column not in [found[role] for role in ("file", "label", "split")]
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
    if collection.parts is not None:
        table["split"] = collection.parts.tolist()
    if collection.groups is not None:
        table["group"] = collection.groups.tolist()
    pl.DataFrame(table).write_csv(folder / "manifest.csv")


def _file(tree: Tree) -> str:
    tables = [name for name in tree.names if name.lower().endswith((".csv", ".tsv", ".parquet")) or tree.single]
    top = min((name.count("/") for name in tables), default=0)
    found = [name for name in tables if name.count("/") == top and _column(columns(tree, name), "file")]
    labelled = [name for name in found if _column(columns(tree, name), "label")]
    called = [
        name for name in tables if name.count("/") == top and PurePosixPath(name).stem in ("manifest", "metadata")
    ]
    return (labelled or found or called or [""])[0]


def _column(names: Sequence[str], role: str) -> str | None:
    lower = {name.strip().lower(): name for name in names}
    return next((lower[word] for word in COLUMNS[role] if word in lower), None)


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


def _check_unique(files: list[str], where: str) -> None:
    seen: set[str] = set()
    for row, file in enumerate(files, 1):
        if file in seen:
            raise DataError(f"{where}, row {row}: lists {file} a second time", "each file once", "remove the row")
        seen.add(file)


def _parts(table: pl.DataFrame, column: str | None, where: str) -> np.ndarray | None:
    if column is None:
        return None
    words = table[column].to_list()
    parts = [part_of(word) for word in words]
    if None in parts:
        row = parts.index(None)
        raise DataError(
            f"{where}, row {row + 1}: {words[row]!r} in the column {column!r} is no part",
            f"one of {', '.join(PARTS)}",
            "correct it, or leave the column out",
        )
    return np.array(parts)

"""Find the names of classes whose table has only numbers: in a small table, JSON file or list in the same folder."""

from __future__ import annotations

import json
import os
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

import polars as pl

from tellapart.data.formats._file_index import stem_of
from tellapart.data.formats._roles import LABELS
from tellapart.data.formats._table import Table, canonical
from tellapart.data.formats._text_table import read_text
from tellapart.data.layout import INFERRED
from tellapart.data.tree import FolderTree, Tree
from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture

LARGEST = 2**20
"""Bytes of the largest file that is examined."""

FILES = 60
"""Files that are examined, at most."""

NAMES = [
    "name",
    "classname",
    "labelname",
    "signname",
    "label",
    "class",
    "category",
    "species",
    "categoryname",
    "description",
    "title",
]
NUMBERS = (*LABELS[2].split(), *LABELS[0].split(), "index", "idx", "number", "code", "signid", "nr")
LISTS = ("classes.txt", "class_names.txt", "classnames.txt", "labels.txt", "names.txt", "names.csv", "obj.names")


def class_names_beside(tree: Tree, table: str, numbers: Sequence[str]) -> tuple[dict[str, str], str] | None:
    """Return the names for the label numbers of a table and the file that has them, or None.

    A file counts only if it names every number, each differently, and hardly any others.
    """
    small = (
        name for name in _siblings(tree, table) if name.lower().endswith((".csv", ".tsv", ".json", ".txt", ".names"))
    )
    for name in islice(small, FILES):
        found = _names(tree, name, numbers)
        if found and set(numbers) <= set(found) and len(set(found.values())) == len(found) <= 2 * len(numbers) + 10:
            return dict(found), posixpath.basename(name)
    return None


def _siblings(tree: Tree, table: str) -> list[str]:
    """Return the files in the folder of a table and in the root, without the table."""
    homes = {posixpath.dirname(table), ""}
    names: Iterable[str] = tree.names
    if tree.single and isinstance(tree, FolderTree):
        names = sorted(entry.name for entry in os.scandir(tree.root or ".") if entry.is_file())
    return [name for name in names if posixpath.dirname(name) in homes and name != table]


def _names(tree: Tree, name: str, numbers: Sequence[str]) -> Mapping[str, str] | None:
    try:
        if tree.size(name) > LARGEST:
            return None
        if name.lower().endswith(".json"):
            return _from_json(tree, name)
        if name.lower().endswith((".csv", ".tsv")):
            return _from_table(read_text(tree, name, INFERRED)) or _from_list(tree, name, numbers)
        return _from_list(tree, name, numbers)
    except (DataError, OSError, ValueError, RecursionError):
        return None


def _from_json(tree: Tree, name: str) -> dict[str, str] | None:
    """Return the names in `{"0": "cat"}` or `{"cat": 0}`."""
    content = json.loads(tree.read(name).decode("utf-8-sig"))
    if not isinstance(content, dict):
        return None
    pairs = {str(key): value for key, value in content.items()}
    if pairs and all(isinstance(value, int) for value in pairs.values()):
        pairs = {str(value): key for key, value in pairs.items()}
    return pairs if all(isinstance(value, str) and key.isdecimal() for key, value in pairs.items()) else None


def _from_table(table: Table | None) -> dict[str, str] | None:
    if table is None or not table.header or not table.frame.height:
        return None
    frame = table.frame.with_columns(pl.all().str.strip_chars())
    keys = [
        name for name in frame.columns
        if canonical(name) in NUMBERS and frame[name].str.contains(r"^\d+$").all() and frame[name].is_unique().all()
    ]  # fmt: skip
    words = [name for name in frame.columns if name not in keys and _is_name(frame[name])]
    named = [name for name in words if canonical(name) in NAMES]
    chosen = named[:1] if named else words if len(words) == 1 else []
    if len(keys) != 1 or not chosen:
        return None
    return {str(int(key)): word for key, word in frame.select(keys[0], chosen[0]).iter_rows()}


def _is_name(values: pl.Series) -> bool:
    """Return whether a column has a different word in each row, and not files or numbers, such as 3.29."""
    words = [str(value) for value in values.to_list()]
    files = any(stem_of(word) != word and looks_like_picture(word) for word in words)
    return not files and len(set(words)) == len(words) and all(word.strip("0123456789.,-") for word in words)


def _from_list(tree: Tree, name: str, numbers: Sequence[str]) -> dict[str, str] | None:
    """Return the lines of a list of class names, if there is one for each number from 0 or, as the labels are, 1."""
    if posixpath.basename(name).lower() not in LISTS:
        return None
    lines = [line.strip() for line in tree.lines(name) if line.strip()]
    first = int(numbers[0]) if numbers[:1] in (["0"], ["1"]) else 0
    counted = [str(first + i) for i in range(len(lines))]
    return dict(zip(counted, lines, strict=True)) if counted == list(numbers) else None

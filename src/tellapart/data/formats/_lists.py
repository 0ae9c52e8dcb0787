"""Read text files that list pictures: `train.txt` of names, or of names and labels, as published with data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import polars as pl

from tellapart.data.formats._table import Table, canonical
from tellapart.data.formats._text_table import first_bytes
from tellapart.data.tree import Tree
from tellapart.errors import DataError

BIRDS = "images.txt", "image_class_labels.txt", "classes.txt"
"""The files of Caltech-UCSD Birds and sets like it, which number the pictures."""

BIRDS_SPLIT = "train_test_split.txt"


def read_list(tree: Tree, name: str, head: bool = False) -> Table | None:
    """Read a list of names, one per line, with values behind it; None for text that has no such lines.

    Comments begin with #. The last one above the lines may name the columns. Values are separated by blanks. Lines of
    different lengths are names with blanks, and a label behind the last one where that is a number.
    """
    data = first_bytes(tree, name) if head else tree.read(name)
    if b"\0" in data:
        return None
    lines = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines()]
    if head and tree.size(name) > len(data):
        lines = lines[:-1]
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    if not rows or not all(line.isprintable() for line in lines[:50]):
        return None
    widths = set(map(len, rows))
    if len(widths) > 1:
        rows = _uneven(lines)
        widths = set(map(len, rows))
    comment = next((line for line in reversed(lines[:20]) if line.startswith("#")), "")
    names = _names(comment, next(iter(widths)))
    columns = [
        pl.Series(column, values, pl.String) for column, values in zip(names, zip(*rows, strict=True), strict=True)
    ]
    return Table(name, tree.describe(name), pl.DataFrame(columns), header=False, is_list=True)


def _uneven(lines: Sequence[str]) -> list[list[str]]:
    kept = [line for line in lines if line and not line.startswith("#")]
    parts = [line.rsplit(maxsplit=1) for line in kept]
    if all(len(part) == 2 and part[1].lstrip("-").isdigit() for part in parts):
        return parts
    return [[line] for line in kept]


def _names(comment: str, count: int) -> list[str]:
    words = comment.lstrip("# ").split()
    if len(words) == count + 1 and words[-1].lower() == "id":
        words[-2:] = [" ".join(words[-2:])]  # Oxford pets: "Image CLASS-ID SPECIES BREED ID"
    if len(words) == count and len(set(words)) == count:
        return words
    return [f"column {number}" for number in range(1, count + 1)]


def numbered(tree: Tree, names: Sequence[str]) -> str | None:
    """Return the `images.txt` of a data set laid out like Caltech-UCSD Birds, or None."""
    have = set(names)
    for name in names:
        folder = PurePosixPath(name).parent
        if PurePosixPath(name).name == BIRDS[0] and all(str(folder / other) in have for other in BIRDS):
            return name
    return None


def read_numbered(tree: Tree, name: str) -> Table:
    """Join the files of Caltech-UCSD Birds into one table. Raises DataError where a number has no partner."""
    folder = PurePosixPath(name).parent
    images = _pairs(tree, name)
    labels, names = (_pairs(tree, str(folder / other)) for other in BIRDS[1:])
    table = {
        "file_name": list(images.values()),
        "label": [_named(names, _named(labels, i, tree, name), tree, name) for i in images],
    }
    split = str(folder / BIRDS_SPLIT)
    if tree.exists(split):
        training = _pairs(tree, split)
        table["split"] = ["train" if _named(training, i, tree, split) == "1" else "test" for i in images]
    return Table(name, tree.describe(name), pl.DataFrame(table), is_list=True)


def _pairs(tree: Tree, name: str) -> dict[str, str]:
    pairs = dict(line.split(maxsplit=1) for line in tree.lines(name) if len(line.split()) > 1)
    return {number: value.strip() for number, value in pairs.items()}


def _named(values: dict[str, str], number: str, tree: Tree, name: str) -> str:
    if number not in values:
        raise DataError(f"{tree.describe(name)}: the number {number} is not in every list", "one line per picture", "")
    return values[number]


def is_plain(column: str) -> bool:
    """Return whether a column was not named by its file."""
    return canonical(column).startswith("column")

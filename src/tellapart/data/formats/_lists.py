"""Read text files that list pictures: `train.txt` of names, or of names and labels, as published with data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

import polars as pl

from tellapart.data.formats._table import Table
from tellapart.data.formats._text_table import first_bytes
from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture

BIRDS = "images.txt", "image_class_labels.txt", "classes.txt"
"""The files of Caltech-UCSD Birds and sets like it, which number the pictures."""

BIRDS_SPLIT = "train_test_split.txt"


def read_list(tree: Tree, name: str, head: bool = False) -> Table | None:
    """Read a list of names, one per line, with values behind it; None for text that has no such lines.

    Comments begin with #. The last one above the lines, or a first line without a file, may name the columns. Values
    are separated by blanks.
    """
    data = first_bytes(tree, name) if head else tree.read(name)
    if b"\0" in data:
        return None
    lines = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines()]
    if head and tree.size(name) > len(data):
        lines = lines[:-1]
    kept = [line for line in lines if line and not line.startswith("#")]
    if not kept or not all(line.isprintable() for line in lines[:50]):
        return None
    header, kept = _header(kept)
    rows = [line.split() for line in kept]
    if len(set(map(len, rows))) > 1:
        rows = _uneven(kept)
    comment = next((line for line in reversed(lines[:20]) if line.startswith("#")), "")
    names = _names(header or comment, len(rows[0]))
    columns = [
        pl.Series(column, values, pl.String) for column, values in zip(names, zip(*rows, strict=True), strict=True)
    ]
    return Table(name, tree.describe(name), pl.DataFrame(columns), header=False, is_list=True)


def _header(lines: list[str]) -> tuple[str, list[str]]:
    """Return the names of the columns, if they are above the lines, and the lines below.

    All lines below have a file. CelebA's lists have their number in the first line, and no name for the files.
    """
    if lines[0].isdecimal() and len(lines) > 2:
        header, below = lines[1].split(), lines[2:]
        missing = len(below[0].split()) - len(header)
        if not _has_file(header) and missing in (0, 1) and all(_has_file(line.split()) for line in below):
            return " ".join(["file_name"] * missing + header), below
    below = lines[1:]
    if below and not _has_file(lines[0].split()) and all(_has_file(line.split()) for line in below):
        return lines[0], below
    return "", lines


def _has_file(words: Sequence[str]) -> bool:
    return any("." in word[1:] and looks_like_picture(word) for word in words)


def _uneven(lines: Sequence[str]) -> list[list[str]]:
    """Return a name and a label of each line: a number at its end, or the words behind a file or a number."""
    parts = [line.rsplit(maxsplit=1) for line in lines]
    if all(len(part) == 2 and part[1].lstrip("-").isdigit() for part in parts):
        return parts
    parts = [line.split(maxsplit=1) for line in lines]
    if all(len(part) == 2 and (_has_file(part[:1]) or part[0].isdecimal()) for part in parts):
        return parts
    return [[line] for line in lines]


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

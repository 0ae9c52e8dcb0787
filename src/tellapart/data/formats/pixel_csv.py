"""Pixel CSV as in Kaggle's MNIST: one line per picture, `label,pixel1,...,pixel784`, values 0 to 255."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import from_blocks
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_of_file
from tellapart.data.tables import columns, read_csv, rows
from tellapart.data.tree import Tree
from tellapart.errors import DataError

LABELS = ("label", "class", "target", "y")

FEW = 16
"""A table with at most this number of columns is not taken for a table of pixels."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match CSV files with many columns; any other CSV matches less, so that the error is about its columns."""
    files = _files(tree)
    if not files:
        return Match.NONE
    if max(len(columns(tree, name)) for name in files) <= FEW:
        return Match.POSSIBLE
    return Match.STRAY if is_stray(tree, files) else Match.COLUMNS


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. The names of several files, or of their folders, have the splits.

    Labels may be numbers or words.
    """
    blocks = []
    files = _files(tree)
    ignored = sorted(set(_tables(tree)).difference(files))  # test pictures without labels, a solution file
    several = len({split_of_file(name) for name in files}) > 1
    for name in files:
        label, pixels = _columns(tree, name)
        shape = _shape(tree, name, len(pixels))
        table = _table(tree, name, label, pixels)
        values = np.ascontiguousarray(table.select(pixels).to_numpy()).reshape(-1, *shape)
        blocks.append((split_of_file(name) if several else None, values, table[label].to_numpy()))
    words = {str(word).removeprefix("-") for _, _, labels in blocks for word in labels.tolist()}
    if all(word.isascii() and word.isdigit() and len(word) < 10 for word in words):
        blocks = [(split, values, labels.astype(np.int64)) for split, values, labels in blocks]
    else:
        blocks = [(split, values, labels.astype(str)) for split, values, labels in blocks]
    collection = from_blocks(tree, blocks, layout.class_names)
    if ignored:
        more = ", ..." if len(ignored) > 3 else ""
        text = f"left out: {', '.join(ignored[:3])}{more}, whose header does not have both labels and pixels"
        collection = replace(collection, notes=(*collection.notes, text))
    return collection


def write(collection: Collection, folder: Path) -> None:
    """Write `train.csv`, `test.csv` ... or, without splits, `data.csv`; class names as labels."""
    for split in collection.given_splits or ("data",):
        indices = collection.indices(None if split == "data" else split)
        pixels = np.stack([collection.read(i).reshape(-1) for i in indices])
        table = pl.DataFrame({"label": [collection.label(i) for i in indices]})
        named = pl.DataFrame(pixels, schema=[f"pixel{k + 1}" for k in range(pixels.shape[1])])
        table.hstack(named).write_csv(folder / f"{split}.csv")


def _files(tree: Tree) -> list[str]:
    if tree.single:
        table = tree.start(tree.names[0], 4) == b"PAR1"
        return list(tree.names) if not table and columns(tree, tree.names[0]) else []
    tables = _tables(tree)
    complete = [name for name in tables if _is_complete(tree, name)]
    if not complete:
        return tables
    header = columns(tree, complete[0])
    return [name for name in tables if name in complete or not _is_other(columns(tree, name), header)]


def _tables(tree: Tree) -> list[str]:
    """Return the CSV files that are nearest to the root."""
    tables = [name for name in tree.names if name.lower().endswith(".csv")]
    top = min((name.count("/") for name in tables), default=0)
    return [name for name in tables if name.count("/") == top]


def _is_complete(tree: Tree, name: str) -> bool:
    header = columns(tree, name)
    return len(header) > FEW and _label(header) is not None


def _is_other(header: list[str], complete: list[str]) -> bool:
    """Return whether a table is valid but of another kind: pixels without labels, or a few columns with names."""
    if header == [column for column in complete if column != _label(complete)]:
        return True
    return 1 < len(header) <= FEW and all(_WORD.fullmatch(column.strip()) for column in header)


_WORD = re.compile(r"[A-Za-z_][\w .-]{0,40}")


def _label(header: list[str]) -> str | None:
    return next((column for column in header if column.strip().lower() in LABELS), None)


def _columns(tree: Tree, name: str) -> tuple[str, list[str]]:
    header = columns(tree, name)
    if len(set(header)) < len(header):
        double = next(column for column in header if header.count(column) > 1)
        raise DataError(
            f"{tree.describe(name)}: has two columns {double!r}", "unique column names", "rename or remove one"
        )
    label = _label(header)
    if label is None:
        shown = ", ".join(header[:4]) + (", ..." if len(header) > 4 else "")
        raise DataError(
            f"{tree.describe(name)}: has no column 'label' (it has {shown})",
            "a header line 'label,pixel1,...,pixel784', or a manifest with the columns file_name and label",
            "add or rename the column",
        )
    return label, [column for column in header if column != label]


def _shape(tree: Tree, name: str, count: int) -> tuple[int, int, int]:
    for channels in (1, 3):
        side = math.isqrt(count // channels)
        if count >= 4 and side * side * channels == count:
            return side, side, channels
    if count < 4:
        raise DataError(
            f"{tree.describe(name)}: has the columns {', '.join(columns(tree, name))}",
            "file_name and label, or label and the pixels of a square picture",
            "rename the column of files to file_name",
        )
    raise DataError(
        f"{tree.describe(name)}: has {count} pixel columns",
        "the pixels of a square picture, grey (784 = 28 x 28) or RGB (3072 = 32 x 32 x 3)",
        "check the header for missing or extra columns",
    )


def _table(tree: Tree, name: str, label: str, pixels: list[str]) -> pl.DataFrame:
    """Read the table with pixels as UInt8. Polars is fast, but its errors do not name the line: `_fault` finds it."""
    schema = {column: pl.UInt8() for column in pixels} | {label: pl.String()}
    try:
        table = read_csv(tree, name, schema_overrides=schema)
    except DataError as error:
        if fault := _fault(tree, name, label):
            raise fault from error
        raise
    if table.height == 0:
        raise DataError(f"{tree.describe(name)}: has a header and no rows", "one line per picture", "check the file")
    if table.null_count().sum_horizontal()[0]:
        raise _fault(tree, name, label) or DataError(
            f"{tree.describe(name)}: has empty cells", "a value in every cell", ""
        )
    return table


def _fault(tree: Tree, name: str, label: str) -> DataError | None:
    """Return the error for the first faulty line of a table, or None where there is none."""
    lines = rows(tree, name)
    _, header = next(lines)
    for line, row in lines:
        where = f"{tree.describe(name)}, line {line}"
        if len(row) != len(header):
            return DataError(
                f"{where}: has {len(row)} values", f"{len(header)}, as in the header", "repair or remove the line"
            )
        for column, text in zip(header, row, strict=True):
            if column == label and not text.strip():
                return DataError(f"{where}: has no label", "a label", "fill it in, or remove the line")
            if column != label and not (text.isascii() and text.isdigit() and int(text) <= 255):
                return DataError(
                    f"{where}, column {column}: {text[:40]!r} is not a pixel",
                    "a whole number from 0 to 255",
                    "repair or remove the line",
                )
    return None

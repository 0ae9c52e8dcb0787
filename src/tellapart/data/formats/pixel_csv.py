"""Pixel CSV as in Kaggle's MNIST: a line per picture, `label,pixel1,...,pixel784`, or all pixels in one column."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl

from tellapart.data.array_range import OutOfRangeError
from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import Block, from_blocks
from tellapart.data.formats._emnist import UPRIGHT, characters, is_emnist, upright
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.formats._pixel_columns import (
    BRACKETS,
    FEW,
    Columns,
    Dialect,
    columns_of,
    dialect_of,
    is_number,
    pixels_in,
    with_spread_sample,
)
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.pixel_axes import colours_of_rows
from tellapart.data.split_names import split_named, split_of_file
from tellapart.data.tables import FAULTS, damaged
from tellapart.data.tree import Tree
from tellapart.errors import DataError, TellapartError

USES = ("label", "split_column", "delimiter")

ENDINGS = (".csv", ".tsv", ".tra", ".tes")
"""The endings of files that are read from a folder; the last two are those of UCI's digits."""

_SPLIT_OF = {"publictest": "validation", "privatetest": "test", ".tra": "train", ".tes": "test"}
"""Words for splits that only pixel tables use: fer2013's column Usage, and UCI's endings."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match tables with pixels, which no other format has, but not better than tables of the same pictures as files.

    Another CSV matches less, so that the error names columns.
    """
    files = _files(tree, layout)
    if not files:
        return Match.NONE
    if not any(_has_pixels(tree, name, layout) for name in files):
        return Match.POSSIBLE if not layout.said else Match.NONE
    if is_stray(tree, files):
        return Match.STRAY
    return Match.COLUMNS if tree.picture_folders else Match.CERTAIN


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. The names of several files, of their folders, or a column have the splits.

    Labels may be numbers or words.
    """
    files = _files(tree, layout)
    ignored = sorted(set(_tables(tree)).difference(files))  # test pictures without labels, a solution file
    several = len({_split_of(name) for name in files}) > 1
    parts = []
    for name in files:
        parts += _read(tree, name, layout, _split_of(name) if several else None)
    blocks: list[Block] = [(part.split, part.pixels, part.labels) for part in parts]
    inferred = list(dict.fromkeys(line for part in parts for line in part.inferred))
    class_names = layout.class_names
    if all(_is_whole(word) for part in parts for word in set(part.labels.tolist())):
        blocks = [(split, pixels, labels.astype(np.float64).astype(np.int64)) for split, pixels, labels in blocks]
        if class_names is None and all(is_emnist(name) for name in files):
            blocks, class_names, line = _with_characters(tree, files[0], blocks)
            inferred += line
    notes = []
    if ignored:
        more = ", ..." if len(ignored) > 3 else ""
        notes = [f"left out: {', '.join(ignored[:3])}{more}, whose header does not have both labels and pixels"]
    try:
        return from_blocks(tree, blocks, class_names, [part.where for part in parts], inferred, notes)
    except OutOfRangeError as error:
        source = next((name for name in files if tree.describe(name) == error.where), None)
        raise (_at_line(tree, source, layout, error) if source else None) or error from error


def write(collection: Collection, folder: Path) -> None:
    """Write `train.csv`, `test.csv` ... or, without splits, `data.csv`; class names as labels."""
    for split in collection.given_splits or ("data",):
        indices = collection.indices(None if split == "data" else split)
        pixels = np.stack([collection.read(i).reshape(-1) for i in indices])
        table = pl.DataFrame({"label": [collection.label(i) for i in indices]})
        named = pl.DataFrame(pixels, schema=[f"pixel{k + 1}" for k in range(pixels.shape[1])])
        table.hstack(named).write_csv(folder / f"{split}.csv")


@dataclass(frozen=True)
class _Part:
    """The pictures of a table, or of one split in it; labels as words."""

    where: str
    split: str | None
    pixels: np.ndarray
    labels: np.ndarray
    inferred: tuple[str, ...]


def _is_whole(word: str) -> bool:
    digits = word.removeprefix("-").partition(".")
    return digits[0].isascii() and digits[0].isdigit() and len(digits[0]) < 10 and not digits[2].strip("0")


def _with_characters(
    tree: Tree, name: str, blocks: list[Block]
) -> tuple[list[Block], list[str] | None, tuple[str, ...]]:
    """Blocks of EMNIST with characters as labels, where its mapping file is in the same folder."""
    known = characters(tree, name, [int(label) for _, _, labels in blocks for label in np.unique(labels)])
    if known is None:
        return blocks, None, ()
    named: list[Block] = [
        (split, pixels, np.array([known[int(label)] for label in labels])) for split, pixels, labels in blocks
    ]
    return named, list(known.values()), ("class names: from EMNIST's mapping file",)


def _split_of(name: str) -> str | None:
    return split_of_file(name) or _SPLIT_OF.get(name[-4:].lower())


def _files(tree: Tree, layout: Layout) -> list[str]:
    """Return the tables to read: those with labels and pixels, and those that may be damaged ones of the kind."""
    if tree.single:
        table = tree.start(tree.names[0], 4) == b"PAR1"
        dialect = None if table else dialect_of(tree, tree.names[0], layout.delimiter)
        return list(tree.names) if dialect is not None else []
    tables = _tables(tree)
    complete = [name for name in tables if _is_complete(tree, name, layout)]
    return [name for name in tables if name in complete or not _is_other(tree, name, layout)] if complete else tables


def _tables(tree: Tree) -> list[str]:
    """Return the tables that are nearest to the root."""
    tables = [name for name in tree.names if name.lower().endswith(ENDINGS)]
    top = min((name.count("/") for name in tables), default=0)
    return [name for name in tables if name.count("/") == top]


def _found(tree: Tree, name: str, layout: Layout) -> Columns | None:
    dialect = dialect_of(tree, name, layout.delimiter)
    return None if dialect is None else columns_of(dialect, layout, tree.describe(name))


def _has_pixels(tree: Tree, name: str, layout: Layout) -> bool:
    """Whether a table has pixels, or may have them: then `read` explains what is not clear."""
    try:
        return _found(tree, name, layout) is not None
    except DataError:
        return True
    except TellapartError:
        return False


def _is_complete(tree: Tree, name: str, layout: Layout) -> bool:
    try:
        found = _found(tree, name, layout)
    except TellapartError:
        return True
    return found is not None and found.label is not None


def _is_other(tree: Tree, name: str, layout: Layout) -> bool:
    """Whether a table is valid but of another kind: pixels without labels, or a few columns with names."""
    dialect = dialect_of(tree, name, layout.delimiter)
    if dialect is None:
        return False
    found = columns_of(dialect, layout, tree.describe(name))
    if found is not None:
        return found.label is None
    return dialect.has_header and 1 < len(dialect.names) <= FEW and all(map(_is_word, dialect.names))


def _is_word(name: str) -> bool:
    return name.isprintable() and name[:1].isalpha() and len(name) <= 40


def _read(tree: Tree, name: str, layout: Layout, split: str | None) -> list[_Part]:
    """Read one table: a part, or one for each split that a column names."""
    where = tree.describe(name)
    dialect = dialect_of(tree, name, layout.delimiter)
    data = tree.read(name)
    if dialect is None:
        raise damaged(tree, name, ValueError("it is empty" if not data else "it is not a table in UTF-8"))
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")
    if b"\n\n" in data or b"\n\r\n" in data:
        data = re.sub(rb"(\r?\n)+", b"\n", data)
    double = next((column for column in dialect.names if dialect.names.count(column) > 1), None)
    if double is not None:
        raise DataError(f"{where}: has two columns {double!r}", "unique column names", "rename or remove one")
    dialect = with_spread_sample(dialect, data)
    found = columns_of(dialect, layout, where)
    if found is None or found.label is None:
        raise _without_label(dialect, found, where)
    values, table = _values(tree, name, data, dialect, found)
    labels = table[f"column_{found.label + 1}"].str.strip_chars().to_numpy().astype(str)
    pixels, lines = _pictures(values, found, where)
    lines = (*found.inferred, *lines, *([f"not used: {', '.join(found.others)}"] if found.others else []))
    if is_emnist(name):
        pixels, lines = upright(pixels), (*lines, UPRIGHT)
    if found.split is None:
        return [_Part(where, split, pixels, labels, lines)]
    column = dialect.names[found.split]
    splits = _splits(table[f"column_{found.split + 1}"].str.strip_chars().to_list(), column, where)
    lines = (*lines, f"split: from the column {column}")
    return [
        _Part(f"{where} ({part})", part, pixels[splits == part], labels[splits == part], lines)
        for part in dict.fromkeys(splits.tolist())
    ]


def _splits(words: list[str], column: str, where: str) -> np.ndarray:
    splits = [split_named(word) or _SPLIT_OF.get(word.lower()) for word in words]
    unknown = next((word for word, split in zip(words, splits, strict=True) if split is None), None)
    if unknown is not None:
        raise DataError(
            f"{where}: {unknown!r} in the column {column!r} is not a valid split", "train, validation or test", ""
        )
    return np.array(splits, dtype=str)


def _without_label(dialect: Dialect, found: Columns | None, where: str) -> DataError:
    names = dialect.names
    if found is None and dialect.has_header and any(name.lower() == "label" for name in names) and len(names) <= 4:
        return DataError(
            f"{where}: has the columns {', '.join(names)}",
            "file_name and label, or label and the pixels of a square picture",
            "rename the column of files to file_name",
        )
    if not dialect.has_header:
        return DataError(
            f"{where}: has {len(names)} columns and no header line",
            "a header line, or a label and the pixels of a square picture, grey (785 columns for 28 x 28) or RGB",
            "check for missing or extra columns, or add a header line",
        )
    shown = ", ".join(names[:4]) + (", ..." if len(names) > 4 else "")
    return DataError(
        f"{where}: has no column 'label' (it has {shown})",
        "a header line 'label,pixel1,...,pixel784', or a manifest with the columns file_name and label",
        "add or rename the column",
    )


def _pictures(values: np.ndarray, found: Columns, where: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Rows of pixels as pictures [n, height, width, 1 or 3], and what was inferred."""
    count = values.shape[1]
    if found.size is not None:
        return values.reshape(-1, *found.size, 1), ()
    side = math.isqrt(count)
    if count >= 4 and side * side == count:
        return values.reshape(-1, side, side, 1), ()
    side = math.isqrt(count // 3)
    if count >= 12 and side * side * 3 == count:
        pictures, order = colours_of_rows(values, (side, side), where)
        return pictures, (f"colours: {order}",)
    raise DataError(
        f"{where}: has {count} {'pixels in a row' if found.packed else 'pixel columns'}",
        "the pixels of a square picture, grey (784 = 28 x 28) or RGB (3072 = 32 x 32 x 3), or names 1x1 ... 28x20",
        "check the header for missing or extra columns",
    )


def _values(tree: Tree, name: str, data: bytes, dialect: Dialect, found: Columns) -> tuple[np.ndarray, pl.DataFrame]:
    """The pixels [n, count] as uint8 or float32, and the table with its other columns as words.

    Polars is fast, but its errors do not name the line: `_fault` finds it.
    """
    error: BaseException | None = None
    for kind in (pl.UInt8, pl.Float32):
        try:
            table = _table(data, dialect, found, kind)
        except FAULTS as caught:
            error = caught
            continue
        if not table.height:
            raise DataError(
                f"{tree.describe(name)}: has a header and no rows", "one line per picture", "check the file"
            )
        values = _packed(table, found, kind) if found.packed else _columns(table, found)
        if values is not None:
            return values, table
    fault = _fault(tree.describe(name), tree.read(name), dialect, found)
    raise fault or damaged(tree, name, error or ValueError("it has empty cells")) from error


def _table(data: bytes, dialect: Dialect, found: Columns, kind: type[pl.DataType]) -> pl.DataFrame:
    """All columns by number: pixels of one type, others as words."""
    pixels = set() if found.packed else set(found.pixels)
    schema = {f"column_{i + 1}": kind() if i in pixels else pl.String() for i in range(len(dialect.names))}
    return pl.read_csv(
        io.BytesIO(data),
        has_header=False,
        separator=dialect.separator,
        schema=schema,
        skip_rows=int(dialect.has_header),
    )


def _columns(table: pl.DataFrame, found: Columns) -> np.ndarray | None:
    """The pixels of a table with a column for each; None where cells are empty, NaN or infinite."""
    wanted = [f"column_{i + 1}" for i in (*found.pixels, found.label) if i is not None]
    if table.select(wanted).null_count().sum_horizontal()[0]:
        return None
    values = np.ascontiguousarray(table.select(wanted[: len(found.pixels)]).to_numpy())
    return values if np.isfinite(values).all() else None


def _packed(table: pl.DataFrame, found: Columns, kind: type[pl.DataType]) -> np.ndarray | None:
    """The pixels of a table with all of them in one column; None where rows differ in length or are not numbers."""
    if table[f"column_{(found.label or 0) + 1}"].null_count():
        return None
    cells = (
        table[f"column_{found.pixels[0] + 1}"].str.strip_chars(BRACKETS).str.replace_all(r"[\s,]+", " ").str.split(" ")
    )
    counts = cells.list.len()
    if counts.null_count() or counts.min() != counts.max():
        return None
    numbers = cells.explode().cast(kind, strict=False)
    if numbers.null_count() or not numbers.is_finite().all():
        return None
    return numbers.to_numpy().reshape(table.height, -1)


def _fault(where: str, data: bytes, dialect: Dialect, found: Columns) -> DataError | None:
    """Return the error for the first faulty line of a table, or None where there is none."""
    length = None
    for line, row in _rows(where, data, dialect):
        at = f"{where}, line {line}"
        if len(row) != len(dialect.names):
            than = "as in the header" if dialect.has_header else "as in the first line"
            return DataError(
                f"{at}: has {len(row)} values", f"{len(dialect.names)}, {than}", "repair or remove the line"
            )
        if found.label is not None and not row[found.label].strip():
            return DataError(f"{at}: has no label", "a label", "fill it in, or remove the line")
        for i in found.pixels:
            cells = pixels_in(row[i]) if found.packed else [row[i].strip()]
            wrong = next((cell for cell in cells if not is_number(cell)), None)
            if wrong is not None or not cells:
                return DataError(
                    f"{at}, column {dialect.names[i]}: {(wrong or '')[:40]!r} is not a pixel",
                    "a number from 0 to 255",
                    "repair or remove the line",
                )
            length = length or len(cells)
            if len(cells) != length:
                return DataError(f"{at}: has {len(cells)} pixels", f"{length}, as in the first line", "")
    return None


def _at_line(tree: Tree, name: str, layout: Layout, error: OutOfRangeError) -> DataError | None:
    """Return the error for a value out of range with its line and column, or None if it is not found."""
    dialect, found = dialect_of(tree, name, layout.delimiter), _found(tree, name, layout)
    if dialect is None or found is None:
        return None
    rows = _rows(error.where, tree.read(name), dialect)
    for line, row in islice(rows, error.picture, error.picture + 1):
        for i in found.pixels:
            if any(is_number(cell) and float(cell) == error.value for cell in pixels_in(row[i])):
                at = f"{error.where}, line {line}, column {dialect.names[i]}"
                return DataError(f"{at}: {error.value:g} is not a pixel", error.expected, error.action)
    return None


def _rows(where: str, data: bytes, dialect: Dialect) -> Iterator[tuple[int, Sequence[str]]]:
    """The lines of a table below its header, with their numbers as an editor counts them."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", errors="replace", newline="")
    reader = csv.reader(text, delimiter=dialect.separator)
    skip = dialect.has_header
    try:
        for row in reader:
            if row and not skip:
                yield reader.line_num, row
            skip = skip and not row
    except csv.Error as error:
        raise DataError(
            f"{where}, line {reader.line_num}: cannot be read ({error})",
            "values between separators, and quotation marks in pairs",
            "look for a stray quotation mark in the lines before",
        ) from error

"""Which columns of a pixel table are pixels, labels and splits: by their names or, without a header, their values."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from tellapart.data.layout import Layout
from tellapart.data.tree import Tree
from tellapart.errors import DataError, UsageError
from tellapart.images.read import looks_like_picture

LABELS = ("label", "class", "target", "y", "labels", "classes", "emotion", "digit", "character", "letter", "symbol")
SPLITS = ("split", "usage", "subset", "set", "part")
ROW_NAMES = ("", "id", "index", "idx", "image_id", "imageid", "unnamed: 0", "filename", "file_name", "img_name", "name")
"""Names of columns, in lower case. Of several that may be labels, the first of LABELS is."""

FEW = 16
"""A table with at most this number of columns is not taken for a table with a column for each pixel."""

BRACKETS = " \t[](),"
"""What may surround the numbers in a cell."""

SAMPLE_ROWS = 200
"""Rows of a table whose values are examined."""

HEAD_BYTES = 2**20
"""Bytes that are read of a table to find its columns."""


@dataclass(frozen=True)
class Dialect:
    """How a text table is written: its separator, and the names of its columns; numbers if it has no header."""

    separator: str
    names: tuple[str, ...]
    has_header: bool
    sample: tuple[tuple[str, ...], ...]
    """The first rows below the header."""


@dataclass(frozen=True)
class Columns:
    """The columns of a pixel table by their positions, pixels in the order of the picture.

    `size` is height and width where the names have them; `split` and `label` may be None. With `packed`, the one pixel
    column has all pixels of a picture, with blanks or commas between them.
    """

    pixels: tuple[int, ...]
    label: int | None
    split: int | None
    size: tuple[int, int] | None = None
    packed: bool = False
    inferred: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


def dialect_of(tree: Tree, name: str, delimiter: str | None = None) -> Dialect | None:
    """Return how a table is written, from its start; None if it is not a text table."""
    start = tree.start(name, HEAD_BYTES)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in start[:4096]:
        return None
    text = start.decode("utf-8-sig", "replace")
    separator = delimiter or _separator(text.split("\n", 1)[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        rows = [tuple(cell.strip() for cell in row) for row in islice(reader, SAMPLE_ROWS + 1) if row]
    except csv.Error:
        return None
    if not rows:
        return None
    if len(start) == HEAD_BYTES and len(rows) > 1 and len(rows) <= SAMPLE_ROWS:
        rows = rows[:-1]  # the last may be cut off
    if _is_header(rows[0]):
        return Dialect(separator, rows[0], True, tuple(rows[1:]))
    return Dialect(separator, tuple(f"column {i + 1}" for i in range(len(rows[0]))), False, tuple(rows))


def with_spread_sample(dialect: Dialect, data: bytes) -> Dialect:
    """Return the dialect with rows from all over the table, which may be sorted by class."""
    rows = []
    for k in range(SAMPLE_ROWS):
        begin = data.find(b"\n", len(data) * k // SAMPLE_ROWS) + 1 if k or dialect.has_header else 0
        end = data.find(b"\n", begin)
        line = data[begin : end if end >= 0 else len(data)].decode("utf-8-sig", "replace")
        with suppress(csv.Error):
            row = tuple(cell.strip() for cell in next(csv.reader([line], delimiter=dialect.separator), ()))
            rows += [row] if len(row) == len(dialect.names) else []
    return replace(dialect, sample=tuple(dict.fromkeys(rows))) if rows else dialect


def _separator(line: str) -> str:
    """The separator that occurs most in the first line; a comma if none does. Blanks are inside one column."""
    counts = {sign: line.count(sign) for sign in ",;\t"}
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else ","


def pixels_in(cell: str) -> list[str]:
    """Return the numbers in a cell, `0 12 255` or as a list, `[0, 12, 255]`."""
    return cell.strip(BRACKETS).replace(",", " ").split()


def is_number(cell: str) -> bool:
    """Return whether a cell is a plain number, not NaN or infinity."""
    return _NUMBER.fullmatch(cell) is not None


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")


def _is_header(cells: Sequence[str]) -> bool:
    """Whether the first row names the columns: words, or the numbers from 0 or 1 up that pandas writes."""
    numbers = [cell for cell in cells if is_number(cell)]
    if len(numbers) <= len(cells) // 2:
        return True
    if len(numbers) == len(cells):
        return len(cells) > 2 and list(cells) in (
            [str(i) for i in range(len(cells))],
            [str(i + 1) for i in range(len(cells))],
        )
    return len(set(numbers)) == len(numbers) and len(numbers) > 1  # `label,0,1,2,...`; pixels of a row repeat


def columns_of(dialect: Dialect, layout: Layout, where: str) -> Columns | None:
    """Return the roles of the columns, or None if the table has no pixels.

    Raises DataError where several columns may be the label, and UsageError for a column that does not exist.
    """
    if packed := _packed(dialect, layout, where):
        return packed
    if len(dialect.names) <= FEW and (_lists_files(dialect) or not _looks_small(dialect)):
        return None
    return _with_header(dialect, layout, where) if dialect.has_header else _without_header(dialect, where)


def _lists_files(dialect: Dialect) -> bool:
    """Whether a table of few columns has names of picture files: its numbers are boxes."""
    return any("." in cell and looks_like_picture(cell) for row in (dialect.names, *dialect.sample) for cell in row)


def _looks_small(dialect: Dialect) -> bool:
    """Whether a table of few columns still has the pixels of very small pictures."""
    return len(_pixel_columns(dialect.names)[0]) >= 4 or (not dialect.has_header and len(dialect.names) > 4)


def _packed(dialect: Dialect, layout: Layout, where: str) -> Columns | None:
    """The columns of a table with all pixels of a picture in one cell, as in fer2013.csv."""
    for i in range(len(dialect.names)):
        cells = [pixels_in(row[i]) for row in dialect.sample[:8] if len(row) > i]
        full = [cell for cell in cells if len(cell) >= FEW and all(map(is_number, cell[:FEW]))]
        if 2 * len(full) > len(cells):
            label, split, others = _named_roles(dialect, {i}, layout, where)
            return Columns((i,), label, split, packed=True, others=others)
    return None


def _with_header(dialect: Dialect, layout: Layout, where: str) -> Columns | None:
    pixels, size = _pixel_columns(dialect.names)
    if len(pixels) < 4:
        return None
    inferred = ["pixels: in the order of the numbers in the names of the columns"] if pixels != sorted(pixels) else []
    label, split, others = _named_roles(dialect, set(pixels), layout, where)
    if label is None and not is_picture(len(pixels)) and is_picture(len(pixels) - 1):
        label, place = _label_at_an_end(dialect, sorted(pixels), where)
        pixels = [i for i in pixels if i != label]
        inferred.append(f"label: from the {place} of the numbered columns")
    return Columns(tuple(pixels), label, split, size, inferred=tuple(inferred), others=others)


def is_picture(count: int) -> bool:
    """Return whether this number of pixels makes a square picture, grey or RGB."""
    return any(count > 3 and math.isqrt(count // n) ** 2 * n == count for n in (1, 3))


def _pixel_columns(names: Sequence[str]) -> tuple[list[int], tuple[int, int] | None]:
    """The columns of pixels in the order of the picture, and its size if the names have it: `1x1` ... `28x28`.

    Pixel columns are those whose names differ only in numbers; of several such families, the largest, and with it those
    of the same length: `r0, ..., g0, ..., b0`.
    """
    families: dict[str, list[tuple[tuple[int, ...], int]]] = {}
    for i, name in enumerate(names):
        numbers = tuple(int(number) for number in re.findall(r"\d{1,7}", name))
        if numbers:
            families.setdefault(re.sub(r"\d+", "#", name.lower()), []).append((numbers, i))
    if not families:
        return [], None
    most = max(map(len, families.values()))
    alike = [family for family in families.values() if len(family) == most]
    if len(alike) == 3 and most > 3:
        return [i for family in alike for _, i in family], None  # colours; their order is found from the pictures
    if len(alike) > 1:
        return [], None
    family = sorted(alike[0]) if len(set(alike[0])) == most else alike[0]
    places = [place for place, _ in family]
    size = None
    if len(places[0]) == 2:
        height, width = (len({place[k] for place in places}) for k in (0, 1))
        size = (height, width) if height * width == most else None
    return [i for _, i in family], size


def _named_roles(
    dialect: Dialect, pixels: set[int], layout: Layout, where: str
) -> tuple[int | None, int | None, tuple[str, ...]]:
    """Positions of the label and the split among the columns that are not pixels, and the names of other columns."""
    rest = [i for i in range(len(dialect.names)) if i not in pixels]
    lower = {dialect.names[i].lower(): i for i in reversed(rest)}
    split = _asked(dialect, layout.split_column) if layout.split_column else _first(lower, SPLITS)
    label = _asked(dialect, layout.label) if layout.label else _first(lower, LABELS)
    if label is None:
        left = [i for i in rest if i != split and dialect.names[i].lower() not in ROW_NAMES]
        if len(left) > 1:
            shown = ", ".join(dialect.names[i] for i in left[:6])
            raise DataError(
                f"{where}: several columns may be the label: {shown}",
                "one of them",
                f"name it, such as --label {dialect.names[left[0]]!r}",
            )
        label = left[0] if left else None
    others = tuple(dialect.names[i] or "the column without a name" for i in rest if i not in (label, split))
    return label, split, others


def _first(lower: dict[str, int], words: Sequence[str]) -> int | None:
    return next((lower[word] for word in words if word in lower), None)


def _asked(dialect: Dialect, name: str) -> int:
    if name not in dialect.names:
        raise UsageError(f"{name!r} is not a column", ", ".join(dialect.names[:6]), "")
    return dialect.names.index(name)


def _without_header(dialect: Dialect, where: str) -> Columns | None:
    """The columns of a table without a header: the label is the first or the last column."""
    every = range(len(dialect.names))
    if not is_picture(len(every) - 1):
        return Columns(tuple(every), None, None) if is_picture(len(every)) else None
    label, place = _label_at_an_end(dialect, every, where)
    pixels = tuple(i for i in every if i != label)
    return Columns(pixels, label, None, inferred=(f"label: from the {place} column (the table has no header line)",))


def _label_at_an_end(dialect: Dialect, columns: Sequence[int], where: str) -> tuple[int, str]:
    """The column of labels, the first or the last of several, by its values. Raises DataError if it is not clear."""
    first, last = columns[0], columns[-1]
    rows = [row for row in dialect.sample if len(row) == len(dialect.names)]
    words = [i for i in (first, last) if not all(is_number(row[i]) for row in rows)]
    likely = words or [i for i in (first, last) if _may_be_labels([row[i] for row in rows])]
    if len(likely) == 2:
        beside = {first: columns[1], last: columns[-2]}
        likely = [i for i in likely if not words and not _continues(rows, i, beside[i])]
    if len(likely) != 1:
        raise DataError(
            f"{where}: does not name its label column, and it is not clear whether the first or the last is it",
            "a header line such as label,pixel1,pixel2,...",
            "add the header line",
        )
    return likely[0], "first" if likely[0] == first else "last"


def _may_be_labels(cells: Sequence[str]) -> bool:
    """Whether values may be labels: whole numbers of at least two kinds, most of which occur more than once."""
    values = [cell.strip() for cell in cells]
    if not all(re.fullmatch(r"\d{1,5}(\.0*)?", value) for value in values):
        return False
    counts = Counter(values)
    common = max(counts.values()) / len(values)
    return len(counts) > 1 and (len(values) < 20 or (common < 0.9 and len(counts) <= len(values) * 0.75))


def _continues(rows: Sequence[Sequence[str]], place: int, neighbour: int) -> bool:
    """Whether a column continues the picture: it goes up and down with the pixel beside it."""
    a, b = (np.array([float(row[i]) for row in rows]) for i in (place, neighbour))
    if a.std() == 0 or b.std() == 0:
        return bool(a.std() == 0)
    return bool(np.corrcoef(a, b)[0, 1] > 0.5)

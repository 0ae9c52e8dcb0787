"""Contact sheets: `train-00.webp`, `test-00.png` ... grids of square pictures of one size, labelled by `labels.txt`."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
from PIL import Image

from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import from_blocks
from tellapart.data.formats._match import Match
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import SPLITS, split_in_file_name
from tellapart.data.tree import Tree
from tellapart.errors import DataError, PictureError
from tellapart.images.decode import decode
from tellapart.images.read import looks_like_picture

_NUMBERED = re.compile(r"-\d+\.\w+$")


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match a labels.txt in the same folder as numbered pictures that are named after splits."""
    return Match.NAMES if _labels(tree) and _sheets(tree) else Match.NONE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Sheets are in the order train, validation, test, then by name."""
    words = tree.lines(_labels(tree))
    sheets = _sheets(tree)
    grids = []
    for name in sheets:
        try:
            grids.append(decode(tree.read(name), tree.describe(name)))
        except PictureError as error:
            raise DataError(error.given, "an undamaged sheet of pictures", "copy or download it again") from error
    side = math.isqrt(sum(grid.shape[0] * grid.shape[1] for grid in grids) // max(len(words), 1))
    cells = [_cells(grid, side) for grid in grids] if side else []
    if sum(map(len, cells)) != len(words):
        raise DataError(
            f"{tree.path}: its sheets do not divide into {len(words):,} square pictures, one per line of labels.txt",
            "sheets of square pictures of one size, and one line in labels.txt for each picture",
            "copy or download the folder again",
        )
    labels = np.split(np.array(words), np.cumsum([len(sheet) for sheet in cells])[:-1])
    splits = [split_in_file_name(name) for name in sheets]
    return from_blocks(tree, list(zip(splits, cells, labels, strict=True)), layout.class_names)


def write(collection: Collection, folder: Path) -> None:
    """Write one sheet per split, a row of pictures as PNG; the pictures must be square and of one size."""
    words = []
    for split in collection.given_splits:
        indices = collection.indices(split)
        row = np.concatenate([collection.read(i) for i in indices], axis=1)
        Image.fromarray(row[:, :, 0] if row.shape[2] == 1 else row).save(folder / f"{split}-00.png")
        words += [collection.label(i) for i in indices]
    (folder / "labels.txt").write_text("\n".join(words) + "\n", encoding="utf-8")


def _labels(tree: Tree) -> str:
    return next((name for name in tree.names if name.rsplit("/", 1)[-1] == "labels.txt"), "")


def _sheets(tree: Tree) -> list[str]:
    sheets = [
        name
        for name in tree.siblings(_labels(tree))
        if looks_like_picture(name) and _NUMBERED.search(name) and split_in_file_name(name)
    ]
    return sorted(sheets, key=lambda name: (SPLITS.index(split_in_file_name(name) or "train"), name))


def _cells(grid: np.ndarray, side: int) -> np.ndarray:
    """Cut a sheet into pictures, uint8 [n, side, side, channels], row by row."""
    rows, columns, channels = grid.shape[0] // side, grid.shape[1] // side, grid.shape[2]
    cut = grid[: rows * side, : columns * side].reshape(rows, side, columns, side, channels)
    return cut.transpose(0, 2, 1, 3, 4).reshape(-1, side, side, channels)

"""One collection from the arrays of several files, for the formats that store decoded pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tellapart.data.arrays import read_pixels, to_labels
from tellapart.data.collection import ArrayPictures, Collection
from tellapart.data.split_names import SPLITS
from tellapart.data.tree import Tree
from tellapart.errors import DataError

Block = tuple[str | None, np.ndarray, Any]
"""A split (or None), pictures [n, height, width, channels] of any numbers, labels [n] as numbers, words or one-hot."""


def from_blocks(
    tree: Tree,
    blocks: Sequence[Block],
    class_names: Sequence[str] | None,
    names: Sequence[str] = (),
    inferred: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Collection:
    """Join blocks into one collection, training first; blocks of the same split stay in their order.

    If any block has a split, the blocks without one belong to training. `names` are those of the blocks in errors.
    Raises DataError for pictures of different shapes or ranges and for wrong labels.
    """
    where = names or [str(tree.path) if len(blocks) == 1 else f"{tree.path}: {i}" for i, _ in enumerate(blocks)]
    counts = [len(labels) for _, _, labels in blocks]
    read = read_pixels(dict(zip(where, (pixels for _, pixels, _ in blocks), strict=True)), counts)
    shapes = {pixels.shape[1:] for pixels in read.arrays}
    if len(shapes) > 1:
        raise DataError(
            f"{tree.path}: its files have pictures of different shapes, {', '.join(map(str, sorted(shapes)))}",
            "pictures of one shape",
            "read the files separately, or resize the pictures",
        )
    for name, pixels, count in zip(where, read.arrays, counts, strict=True):
        if len(pixels) != count:
            raise DataError(
                f"{name}: contains {len(pixels):,} pictures, and {count:,} labels belong to them",
                "one label for each picture",
                "save the arrays again",
            )
    has_splits = any(split for split, _, _ in blocks)
    splits = np.concatenate(
        [np.full(count, split or "train", "<U10") for (split, _, _), count in zip(blocks, counts, strict=True)]
    )
    order = np.argsort([SPLITS.index(split) for split in splits], kind="stable")
    labels, classes = to_labels(
        np.concatenate([numbers for _, _, numbers in blocks])[order], str(tree.path), class_names
    )
    splits = splits[order]
    held = {split: int((splits == split).sum()) for split in SPLITS}
    return Collection(
        name=tree.path.name.split(".")[0] if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=classes,
        labels=labels,
        keys=[f"{split if has_splits else 'all'}/{i:05d}" for split, count in held.items() for i in range(count)],
        splits=splits if has_splits else None,
        pictures=ArrayPictures(_reordered(read.arrays, order)),
        notes=(*notes, *read.notes),
        inferred=(*inferred, *read.inferred),
        value_range=read.value_range,
    )


def _reordered(arrays: list[np.ndarray], order: np.ndarray) -> np.ndarray:
    """Join arrays and put the rows in an order; without a second copy where they are in order already."""
    whole = arrays[0] if len(arrays) == 1 else np.concatenate(arrays)
    return whole if (np.diff(order) > 0).all() else whole[order]

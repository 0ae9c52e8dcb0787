"""One collection from the arrays of several files, for the formats that store decoded pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tellapart.data.arrays import to_labels
from tellapart.data.collection import ArrayPictures, Collection
from tellapart.data.split_names import SPLITS
from tellapart.data.tree import Tree
from tellapart.errors import DataError

Block = tuple[str | None, np.ndarray, np.ndarray]
"""A split (or None), pictures uint8 [n, height, width, channels], labels [n] as numbers or words."""


def from_blocks(tree: Tree, blocks: Sequence[Block], class_names: Sequence[str] | None) -> Collection:
    """Join blocks into one collection, training first; blocks of the same split stay in their order.

    If any block has a split, the blocks without one belong to training. Raises DataError for pictures of different
    shapes and for wrong labels.
    """
    shapes = {pixels.shape[1:] for _, pixels, _ in blocks}
    if len(shapes) > 1:
        raise DataError(
            f"{tree.path}: its files have pictures of different shapes, {', '.join(map(str, sorted(shapes)))}",
            "pictures of one shape",
            "read the files separately, or resize the pictures",
        )
    has_splits = any(split for split, _, _ in blocks)
    splits = np.concatenate([np.full(len(numbers), split or "train", "<U10") for split, _, numbers in blocks])
    order = np.argsort([SPLITS.index(split) for split in splits], kind="stable")
    labels, names = to_labels(np.concatenate([numbers for _, _, numbers in blocks])[order], str(tree.path), class_names)
    splits = splits[order]
    counts = {split: int((splits == split).sum()) for split in SPLITS}
    return Collection(
        name=tree.path.name.split(".")[0] if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=names,
        labels=labels,
        keys=[f"{split if has_splits else 'all'}/{i:05d}" for split, count in counts.items() for i in range(count)],
        splits=splits if has_splits else None,
        pictures=ArrayPictures(_reordered([pixels for _, pixels, _ in blocks], order)),
    )


def _reordered(arrays: list[np.ndarray], order: np.ndarray) -> np.ndarray:
    """Join arrays and put the rows in an order; without a second copy where they are in order already."""
    whole = np.concatenate(arrays)
    return whole if (np.diff(order) > 0).all() else whole[order]

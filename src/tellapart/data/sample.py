"""A sample of 64 evenly spaced pictures, for decisions that do not need all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tellapart.data.collection import Collection
from tellapart.errors import PictureError

SAMPLE = 64
"""Pictures in a sample."""


def sample_of(indices: np.ndarray) -> np.ndarray:
    """Return at most 64 of the positions `indices`, int64 [n], evenly spaced."""
    chosen: np.ndarray = indices[np.unique(np.linspace(0, len(indices) - 1, SAMPLE).astype(int))]
    return chosen


def sampled_shapes(collection: Collection, indices: np.ndarray) -> list[tuple[int, int, int]]:
    """Return height, width and channels of the pictures of a sample whose headers can be read."""
    shapes = []
    for i in sample_of(indices):
        try:
            shapes.append(collection.pictures.shape(int(i)))
        except PictureError:  # reported as skipped when all pictures are read
            continue
    return shapes


def sampled_pictures(collection: Collection, indices: np.ndarray, least: tuple[int, int]) -> Iterator[np.ndarray]:
    """Yield the pictures of a sample that can be read, uint8 [height, width, 1 or 3], of at least the size `least`."""
    for i in sample_of(indices):
        try:
            yield collection.read(int(i), least)
        except PictureError:
            continue

"""A few pictures of many, evenly spread, for what can be told without reading all of them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tellapart.data.collection import Collection
from tellapart.errors import PictureError

SAMPLE = 64
"""So many pictures are looked at."""


def sample(among: np.ndarray) -> np.ndarray:
    """At most 64 of the places `among`, int64 [n], evenly spread."""
    result: np.ndarray = among[np.unique(np.linspace(0, len(among) - 1, SAMPLE).astype(int))]
    return result


def sampled_shapes(collection: Collection, among: np.ndarray) -> list[tuple[int, int, int]]:
    """Height, width and channels of those of a sample whose header can be read."""
    shapes = []
    for i in sample(among):
        try:
            shapes.append(collection.pictures.shape(int(i)))
        except PictureError:  # set aside later, by name
            continue
    return shapes


def sampled_pictures(collection: Collection, among: np.ndarray, least: tuple[int, int]) -> Iterator[np.ndarray]:
    """Those of a sample that can be read, uint8 [height, width, 1 or 3], shrunken to no less than `least` if at all."""
    for i in sample(among):
        try:
            yield collection.read(int(i), least)
        except PictureError:
            continue

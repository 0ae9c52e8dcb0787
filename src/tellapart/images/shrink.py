"""Pictures as a few numbers: the means of a coarse grid of fields."""

from __future__ import annotations

from functools import cache

import numpy as np

SIDE = 8
"""Fields a side."""

AT_ONCE = 2**24
"""At most so many values are held as floats."""


def shrunken(pixels: np.ndarray) -> np.ndarray:
    """Mean values of 8 x 8 fields of each picture uint8 [n, height, width, channels]: float32 [n, channels * 64], 0..1.

    A pixel that two fields share counts in both by its parts.
    """
    step = max(1, AT_ONCE // max(pixels[0].size, 1)) if len(pixels) else 1
    if len(pixels) > step:
        return np.concatenate([shrunken(pixels[i : i + step]) for i in range(0, len(pixels), step)])
    planes = np.moveaxis(pixels, 3, 1).astype(np.float32)
    fields = _shares(pixels.shape[1]).T @ planes @ _shares(pixels.shape[2])  # a small product for each plane
    result: np.ndarray = fields.reshape(len(pixels), -1) / np.float32(255)
    return result


@cache
def _shares(size: int) -> np.ndarray:
    """Float32 [size, SIDE]: how much of each pixel of a row belongs to each of its fields, as shares of the field."""
    edges = np.linspace(0, size, SIDE + 1)
    pixels = np.arange(size)[:, None]
    shared = np.minimum(pixels + 1, edges[1:]) - np.maximum(pixels, edges[:-1])
    result: np.ndarray = (np.maximum(shared, 0) / (size / SIDE)).astype(np.float32)
    return result

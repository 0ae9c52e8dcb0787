"""Reduce pictures to the mean values of an 8 x 8 grid."""

from __future__ import annotations

from functools import cache

import numpy as np

SIDE = 8
"""Cells of the grid per side."""

MAX_FLOATS = 2**24
"""Pictures are processed in blocks of at most this number of values."""


def grid_means(pixels: np.ndarray) -> np.ndarray:
    """Return the means of 8 x 8 cells of each picture uint8 [n, height, width, channels].

    The result is float32 [n, channels * 64], 0..1. A pixel on a border between cells counts in each by its share.
    """
    step = max(1, MAX_FLOATS // max(pixels[0].size, 1)) if len(pixels) else 1
    if len(pixels) > step:
        return np.concatenate([grid_means(pixels[i : i + step]) for i in range(0, len(pixels), step)])
    planes = np.moveaxis(pixels, 3, 1).astype(np.float32)
    cells = _weights(pixels.shape[1]).T @ planes @ _weights(pixels.shape[2])  # a small product for each plane
    means: np.ndarray = cells.reshape(len(pixels), -1) / np.float32(255)
    return means


@cache
def _weights(size: int) -> np.ndarray:
    """Return float32 [size, SIDE]: the weight of each pixel of a row in the mean of each cell."""
    edges = np.linspace(0, size, SIDE + 1)
    pixels = np.arange(size)[:, None]
    overlap = np.minimum(pixels + 1, edges[1:]) - np.maximum(pixels, edges[:-1])
    weights: np.ndarray = (np.maximum(overlap, 0) / (size / SIDE)).astype(np.float32)
    return weights

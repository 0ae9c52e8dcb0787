"""Heat maps of a frozen backbone and a head: what each place adds to the logit of a class, without Keras."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

BLUR = 1 / 14
"""Standard deviation of the Gaussian that smooths a map, as a share of the picture's side."""

Maps = Callable[[np.ndarray], np.ndarray]
"""Turns pixels uint8 [n, height, width, channels] into what is pooled, float32 [n, rows, columns, features]."""


def pooled_heat(maps: Maps, kernel: np.ndarray, pixels: np.ndarray, classes: np.ndarray) -> np.ndarray:
    """Return maps float32 [n, height, width] from 0 to 1 for pixels uint8 [n, height, width, channels].

    Each is for its class, int [n]. `kernel` float32 [features, classes] is that of a dense layer on the mean of `maps`
    over all places. So a logit is a sum over the places, of which the map shows the positive terms: class activation
    maps (Zhou and others 2016, arXiv:1512.04150). A map is all 0 if nothing supports the class. Raises LookupError if
    the features are not a mean over places.
    """
    pooled = maps(pixels)
    if pooled.ndim != 4 or min(pooled.shape[1:3]) < 2:
        raise LookupError("the features are not a mean over places")
    centred = kernel - kernel.mean(axis=1, keepdims=True)  # what all classes share says nothing about this one
    support = np.maximum(np.einsum("nrcf,nf->nrc", pooled, centred[:, classes].T), 0)
    height, width = pixels.shape[1:3]
    factors = (1, height / support.shape[1], width / support.shape[2])
    large = zoom(support, factors, order=1, mode="nearest", grid_mode=True)
    return scaled(gaussian_filter(large, (0, BLUR * height, BLUR * width)))


def scaled(maps: np.ndarray) -> np.ndarray:
    """Return maps [n, height, width] scaled to a maximum of 1 each; a map of zeros stays as it is."""
    highest = maps.max(axis=(1, 2), keepdims=True)
    return (maps / np.where(highest > 0, highest, 1)).astype(np.float32)

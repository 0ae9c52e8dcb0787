"""Filters for a first layer that decorrelates neighbouring pixels, computed from training pictures."""

from __future__ import annotations

import numpy as np

PATCHES = 200_000
"""Patches that the covariance is estimated from; a 3 x 3 patch has at most 27 x 27 covariances."""

SOFTENING = 5e-4
"""Added to every eigenvalue before the root, so that directions without variance (noise) are not amplified."""


def whitening_filters(pixels: np.ndarray, side: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Filters and biases for a convolution with uncorrelated outputs of variance 1, each filter with both signs.

    `pixels` float [n, height, width, channels], scaled as the convolution's input. Returns float32 filters
    [side, side, channels, count] and biases [count] for the directions of highest variance; `count` is even and at most
    twice the values in a patch. Source: airbench (Jordan 2024, arXiv:2404.00498,
    section 3.1), after Coates and Ng 2012.
    """
    rng = np.random.default_rng(0)
    n, height, width, channels = pixels.shape
    picture, row, column = (rng.integers(0, high, PATCHES) for high in (n, height - side + 1, width - side + 1))
    patches = np.stack(
        [pixels[picture, row + i, column + j] for i in range(side) for j in range(side)], axis=1
    ).reshape(PATCHES, side * side * channels)
    mean = patches.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov(patches - mean, rowvar=False, dtype=np.float64))
    values, vectors = values[-count // 2 :], vectors[:, -count // 2 :]  # eigenvalues come in ascending order
    scaled = vectors / np.sqrt(np.maximum(values, 0) + SOFTENING)
    filters = np.concatenate([scaled, -scaled], axis=1)
    biases = -mean @ filters
    return filters.reshape(side, side, channels, -1).astype(np.float32), biases.astype(np.float32)

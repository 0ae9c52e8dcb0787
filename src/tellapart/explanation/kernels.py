"""Convolve a picture with a kernel, to show what a convolution layer computes."""

from __future__ import annotations

import numpy as np

KERNELS: dict[str, list[list[float]]] = {
    "vertical-edges": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "horizontal-edges": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "diagonal-edges": [[-2, -1, 0], [-1, 0, 1], [0, 1, 2]],
    "outlines": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "blur": [[1 / 9] * 3] * 3,
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
}
"""Kernels by name; those for edges are Sobel operators."""


def convolve(kernel: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """Return the response of a kernel at every place of a picture uint8 [height, width, channels].

    The kernel is float [rows, columns, channels], or float [rows, columns] for the grey values of the picture. The
    result is float64 [height, width]: the sum of the kernel's weights times the pixel values (0 to 1) below them. As in
    a convolution layer, the kernel is not flipped. The border pixels are repeated beyond the edges.
    """
    values = picture / 255 if kernel.ndim == 3 else picture.mean(axis=2, keepdims=True) / 255
    kernel = kernel.reshape(*kernel.shape[:2], -1)
    margins = [((size - 1) // 2, size // 2) for size in kernel.shape[:2]]
    padded = np.pad(values, (*margins, (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))
    return np.asarray(np.einsum("hwcij,ijc->hw", windows, kernel))

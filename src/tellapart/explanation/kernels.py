"""What a convolution does: a kernel slid over a picture, and what each place of it answers."""

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
"""Kernels by name; the edges are Sobel's."""


def slide(kernel: np.ndarray, picture: np.ndarray) -> np.ndarray:
    """What a kernel float [k, k], k odd, answers at every place of a picture uint8 [height, width, channels].

    Float64 [height, width]: at each place the sum of the kernel's numbers times the grey values, 0..1, below them, as
    a convolution layer computes it (without turning the kernel). At the edges the picture goes on as it ends.
    """
    grey = picture.mean(axis=2) / 255
    reach = len(kernel) // 2
    wide = np.pad(grey, reach, mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, kernel.shape)
    return np.einsum("hwij,ij->hw", windows, kernel)

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
    """What a kernel float [rows, columns] or [rows, columns, channels] answers at every place of a picture uint8
    [height, width, channels].

    Float64 [height, width]: at each place the sum of the kernel's numbers times the values, 0..1, below them - grey
    ones, where it has no channels -, as a convolution layer computes it (without turning the kernel). At the edges the
    picture goes on as it ends.
    """
    values = picture / 255 if kernel.ndim == 3 else picture.mean(axis=2, keepdims=True) / 255
    kernel = kernel.reshape(*kernel.shape[:2], -1)
    before_and_after = [((size - 1) // 2, size // 2) for size in kernel.shape[:2]]
    wide = np.pad(values, (*before_and_after, (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(wide, kernel.shape[:2], axis=(0, 1))
    result: np.ndarray = np.einsum("hwcij,ijc->hw", windows, kernel)
    return result

"""Several looks at one picture, mirrored and moved by a pixel, whose answers are averaged at prediction."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

Views = Literal["none", "mirror", "shift", "mirror-shift"]
"""As it is only; and its mirror image; and moved by a pixel down-right and up-left; and both."""


def looks(pixels: np.ndarray, views: Views) -> Iterator[tuple[float, np.ndarray]]:
    """The looks [n, height, width, channels] at pictures of that shape, each with its weight; the weights' sum is 1.

    The first is the pictures as they are.

    What comes in at an edge is the edge's mirror. The unmoved look weighs as much as the moved ones together. Source:
    airbench (Jordan 2024, arXiv:2404.00498, section 3.5).
    """
    moves = [(0.5, 1, 1), (0.25, 2, 2), (0.25, 0, 0)] if "shift" in views else [(1.0, 1, 1)]
    sides = [pixels, pixels[:, :, ::-1]] if "mirror" in views else [pixels]
    height, width = pixels.shape[1:3]
    for side in sides:
        if len(moves) == 1:
            yield 1 / len(sides), side
            continue
        mode: Literal["reflect", "edge"] = "reflect" if min(height, width) > 1 else "edge"
        padded = np.pad(side, ((0, 0), (1, 1), (1, 1), (0, 0)), mode=mode)
        for weight, row, column in moves:
            yield weight / len(sides), padded[:, row : row + height, column : column + width]


def count(views: Views) -> int:
    """How many looks these are."""
    return (3 if "shift" in views else 1) * (2 if "mirror" in views else 1)


def without_mirror(views: Views) -> Views:
    """The same looks, none of them mirrored."""
    return "shift" if "shift" in views else "none"

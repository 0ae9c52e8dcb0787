"""TTA views: several versions of a picture, mirrored or shifted by a pixel, whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import numpy as np

Views = Literal["none", "mirror", "shift", "mirror-shift"]
"""The picture only; also its mirror image; also shifted by a pixel down-right and up-left; or both."""


def tta_views(pixels: np.ndarray, views: Views) -> Iterator[tuple[float, np.ndarray]]:
    """Yield each TTA view of pictures [n, height, width, channels], in that shape, with its weight.

    The first view is the unchanged pictures. The weights add up to 1; the unshifted view weighs as much as the shifted
    ones together. Pixels that come in at an edge are mirrored at the edge. Source: airbench (Jordan 2024,
    arXiv:2404.00498, section 3.5).
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


def count_views(views: Views) -> int:
    """Return the number of TTA views."""
    return (3 if "shift" in views else 1) * (2 if "mirror" in views else 1)


def without_mirror(views: Views) -> Views:
    """Return the same TTA views without the mirrored ones."""
    return "shift" if "shift" in views else "none"

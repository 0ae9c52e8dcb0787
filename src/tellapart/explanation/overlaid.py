"""A user's own picture under a heat map of what the network saw of it."""

from __future__ import annotations

import numpy as np

from tellapart.images.preprocessing import Preparation
from tellapart.images.projection import projected
from tellapart.images.write import EXACT, enlarged
from tellapart.plots.pictures import overlay


def under_heat(own: np.ndarray, values: np.ndarray, preprocessing: Preparation, side: int) -> np.ndarray:
    """Return a picture uint8 [height, width, 1 or 3] under a map float [rows, columns] from 0 to 1, as uint8 RGB.

    The map is over the preprocessed picture. A tiny picture is enlarged to a longer side of `side` pixels first,
    because the map is finer than its pixels.
    """
    base = enlarged(own, side) if max(own.shape[:2]) <= EXACT else own
    return overlay(base, projected(values, preprocessing, *base.shape[:2]))

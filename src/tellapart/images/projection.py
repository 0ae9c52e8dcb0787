"""Project a map over a preprocessed picture, such as a heat map, onto the picture that it was made from."""

from __future__ import annotations

import numpy as np

from tellapart.images.preprocessing import Preparation
from tellapart.images.resize import crop_box, pad_box
from tellapart.images.write import resized_map

Box = tuple[int, int, int, int]
"""Top, left, bottom and right in pixels; the last two are exclusive."""


def projected(values: np.ndarray, preprocessing: Preparation, height: int, width: int) -> np.ndarray:
    """Return a map over a whole picture of this size, float32 [height, width], from one over the preprocessed picture.

    `values` are float [preprocessing.height, preprocessing.width] from 0 to 1. The result is 0 where the network did
    not see the picture: outside the centre, if preprocessing crops.
    """
    whole = np.zeros((height, width), np.float32)
    top, left, bottom, right = seen_box(preprocessing, height, width)
    first, start, last, end = filled_box(preprocessing, height, width)
    whole[top:bottom, left:right] = resized_map(values[first:last, start:end], bottom - top, right - left)
    return whole


def seen_box(preprocessing: Preparation, height: int, width: int) -> Box:
    """Return the region of a picture of this size that the network sees: all of it, unless preprocessing crops."""
    if preprocessing.fit != "crop":
        return 0, 0, height, width
    left, top, right, bottom = crop_box(width, height, preprocessing.width, preprocessing.height)
    return top, left, bottom, right


def filled_box(preprocessing: Preparation, height: int, width: int) -> Box:
    """Return the region of the preprocessed picture that shows the picture: all of it, unless preprocessing pads."""
    if preprocessing.fit != "pad":
        return 0, 0, preprocessing.height, preprocessing.width
    left, top, right, bottom = pad_box(width, height, preprocessing.width, preprocessing.height)
    return top, left, bottom, right

"""Reduce, enlarge, crop and pad pictures by a definition of our own, which every supported Pillow computes bit for bit.

The definition, for 8-bit samples, one channel at a time. A picture of w x h pixels becomes W x H in two passes: first
every row from w to W samples, then every column from h to H. A pass from n to m samples is left out where n = m.

Filters have a support S and a function f: box S = 0.5, bilinear S = 1, bicubic S = 2 (a = -0.5), lanczos S = 3. With
scale = n / m, reach = max(scale, 1) and r = S * reach, all in double precision, output sample i uses the inputs

    centre = (i + 0.5) * scale
    first = max(0, int(centre - r + 0.5)),  end = min(n, int(centre + r + 0.5))

where int() cuts towards zero, with the weights w[k] = f((k + first - centre + 0.5) * (1 / reach)) for k = 0 .. end -
first - 1. Their sum, added in this order, divides each of them, unless it is 0. Each weight becomes the integer
int(w * 2**22 + 0.5), or int(w * 2**22 - 0.5) for a negative one. The output is

    clip((2**21 + sum of sample * weight) >> 22, 0, 255)

with an arithmetic shift, so both passes round to 8 bits.

    box(x) = 1 for -0.5 < x <= 0.5, else 0
    bilinear(x) = 1 - |x| for |x| < 1, else 0
    bicubic(x) = ((a + 2) |x| - (a + 3)) |x|**2 + 1 for |x| < 1, (((|x| - 5) |x| + 8) |x| - 4) a for |x| < 2, else 0
    lanczos(x) = sinc(x) * sinc(x / 3) for -3 <= x < 3, else 0, with sinc(x) = sin(pi x) / (pi x)

`nearest` takes the input sample floor((2 i + 1) * n / (2 m)), in integers. tests/images/test_resize.py has this
definition in NumPy. Pillow 11 and 12 compute the two passes so; Pillow 13 begins with the columns of tall pictures.
That is why each pass is a call of its own here.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from PIL import Image

Resampling = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]

Box = tuple[int, int, int, int]
"""Left, top, right and bottom in pixels, as in Pillow; the last two are exclusive."""


def resized(image: Image.Image, width: int, height: int, resampling: Resampling) -> Image.Image:
    """Resize a Pillow image of mode L or RGB by the definition of this module."""
    if resampling == "nearest":
        return _nearest(image, width, height)
    filter_ = Image.Resampling[resampling.upper()]
    if image.width != width:
        image = image.resize((width, image.height), filter_)
    return image.resize((width, height), filter_) if image.height != height else image


def _nearest(image: Image.Image, width: int, height: int) -> Image.Image:
    rows, columns = _nearest_places(image.height, height), _nearest_places(image.width, width)
    return Image.fromarray(np.asarray(image)[rows[:, np.newaxis], columns])


def _nearest_places(samples: int, wanted: int) -> np.ndarray:
    places: np.ndarray = (2 * np.arange(wanted, dtype=np.int64) + 1) * samples // (2 * wanted)
    return places


def crop_box(width: int, height: int, target_width: int, target_height: int) -> Box:
    """Return the largest centred part of a picture that has the target's aspect ratio, in whole pixels.

    A picture that is wider than the target (w * H > h * W) keeps its height h, and its width becomes the quotient
    h * W / H, rounded half up, at least 1; a taller one likewise. What is left over is halved, rounded down, for the
    left or the top.
    """
    if width * target_height > height * target_width:
        columns, rows = max(1, _divided(height * target_width, target_height)), height
    else:
        columns, rows = width, max(1, _divided(width * target_height, target_width))
    left, top = (width - columns) // 2, (height - rows) // 2
    return left, top, left + columns, top + rows


def pad_box(width: int, height: int, target_width: int, target_height: int) -> Box:
    """Return the part of the target that a whole picture fills, in whole pixels; the rest is black.

    A picture that is wider than the target (w * H > h * W) gets the target's width W, and as its height the quotient
    h * W / w, rounded half up, at least 1; a taller one likewise. What is left over is halved, rounded down, for the
    left or the top.
    """
    if width * target_height > height * target_width:
        columns, rows = target_width, max(1, _divided(height * target_width, width))
    else:
        columns, rows = max(1, _divided(width * target_height, height)), target_height
    left, top = (target_width - columns) // 2, (target_height - rows) // 2
    return left, top, left + columns, top + rows


def _divided(dividend: int, divisor: int) -> int:
    """Return a quotient of positive integers, rounded half up."""
    return (2 * dividend + divisor) // (2 * divisor)

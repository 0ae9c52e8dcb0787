"""How small pictures can be made without losing what they show: enlarged ones hold less than their size says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

LARGEST = 256
"""Detail is looked for in pictures shrunken to at most this side: no recipe asks for more."""

FRACTIONS = (1 / 8, 3 / 16, 1 / 4, 5 / 16, 3 / 8, 1 / 2)
"""Sizes that are tried, as shares of the sides. Above a half nothing worth telling would be saved."""

LOST = 0.003
"""The share of a picture's variance that may be lost on the way to a smaller size and back. Sharp photos lose 1.3 % and
more at half their size; those that were enlarged twofold, by whatever filter but the coarsest, less than 0.1 %."""

FLAT = 25.0
"""Pictures of less variance, in squared grey values, show nothing to measure."""


def detail(pictures: Sequence[np.ndarray]) -> float:
    """The share of their sides, 1/8..1, at which most pictures would still show what they do; 1 where they are sharp.

    Pictures are uint8 [height, width, 1 or 3] each; of none, or none that shows anything, 1 is said. A picture is
    shrunken and enlarged again by windowed sinc filters, which keep what lies below the smaller size's limit (Nyquist)
    and nothing above.
    """
    losses = [[_lost(image, share) for share in FRACTIONS] for image in map(_grey, pictures) if _varied(image)]
    if not losses:
        return 1.0
    usual = np.median(np.array(losses), axis=0)
    enough = np.flatnonzero(usual <= LOST)
    return FRACTIONS[enough[0]] if len(enough) else 1.0


def _grey(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("L")
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return image.convert("F")


def _varied(image: Image.Image) -> bool:
    return float(np.asarray(image).var()) >= FLAT


def _lost(image: Image.Image, share: float) -> float:
    size = (max(1, round(image.width * share)), max(1, round(image.height * share)))
    again = image.resize(size, Image.Resampling.LANCZOS).resize(image.size, Image.Resampling.LANCZOS)
    values = np.asarray(image)
    return float(((values - np.asarray(again)) ** 2).mean() / values.var())

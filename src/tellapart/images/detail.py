"""Measure how far pictures can be reduced without losing detail; enlarged pictures can be reduced far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

LARGEST = 256
"""Detail is measured in pictures reduced to at most this side: no recipe uses larger ones."""

FRACTIONS = (1 / 8, 3 / 16, 1 / 4, 5 / 16, 3 / 8, 1 / 2)
"""Sizes that are tried, as fractions of the sides. Above a half, reducing would not save much."""

LOST = 0.003
"""The fraction of a picture's variance that may be lost by reducing and enlarging it. Sharp photos lose 1.3 % and more
at half their size; photos that were enlarged twofold, by any filter but the coarsest, lose less than 0.1 %."""

FLAT = 25.0
"""Pictures with less variance, in squared grey values, have nothing to measure."""


def detail(pictures: Sequence[np.ndarray]) -> float:
    """Return the fraction of their sides, 1/8..1, to which most pictures can be reduced without losing detail.

    Pictures are uint8 [height, width, 1 or 3] each. The result is 1 for sharp pictures, and if there is nothing to
    measure. A picture is reduced and enlarged again with windowed sinc filters, which keep the frequencies below the
    limit of the smaller size (Nyquist) and remove the others.
    """
    losses = [[_lost(image, share) for share in FRACTIONS] for image in map(_grey, pictures) if _has_content(image)]
    if not losses:
        return 1.0
    medians = np.median(np.array(losses), axis=0)
    enough = np.flatnonzero(medians <= LOST)
    return FRACTIONS[enough[0]] if len(enough) else 1.0


def _grey(pixels: np.ndarray) -> Image.Image:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("L")
    image.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return image.convert("F")


def _has_content(image: Image.Image) -> bool:
    return float(np.asarray(image).var()) >= FLAT


def _lost(image: Image.Image, fraction: float) -> float:
    """Return the share of the variance that is lost at a fraction of the size."""
    size = (max(1, round(image.width * fraction)), max(1, round(image.height * fraction)))
    restored = image.resize(size, Image.Resampling.LANCZOS).resize(image.size, Image.Resampling.LANCZOS)
    values = np.asarray(image)
    return float(((values - np.asarray(restored)) ** 2).mean() / values.var())

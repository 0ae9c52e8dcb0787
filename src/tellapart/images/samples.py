"""How the numbers in picture files and arrays become pixels from 0 to 255, where their type alone does not say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

Range = tuple[float, float]
"""The values that become the pixels 0 and 255."""

DEEPEST = 65_535
"""The highest value of a 16-bit sample."""

FEW_LEVELS = (1, 2, 3, 7, 15, 16)
"""Greatest values of pictures with few grey levels: masks, 2, 3 and 4 bits, and scikit-learn's digits of 0 to 16."""

OVERSHOOT = 0.25
"""Arrays may exceed the recorded range by this share of it, and are clipped; beyond, they must be on another scale."""


@dataclass(frozen=True)
class Samples:
    """How numbers become pixels, for all pictures of a collection alike.

    Attributes:
        values: The values that become 0 and 255; None: 0 and the highest that the type can have.
        of: Whether `values` is the range of picture files or of arrays. A range of arrays does not apply to 8-bit
            files, which have their own.
        last_band: What the band of a TIFF after its colours is: alpha, or data that is left out, such as near infrared.
    """

    values: Range | None = None
    of: Literal["files", "arrays"] = "files"
    last_band: Literal["alpha", "data"] = "alpha"

    def for_array(self, dtype: np.dtype[Any]) -> Range | None:
        """The range of an array of this type, or None if it is 0 to 255. Bytes have the range of pixels or integers."""
        if self.values is None or (dtype == np.uint8 and not self.fits_bytes):
            return None
        return self.values

    @property
    def fits_bytes(self) -> bool:
        """Whether `values` is a range of integers within 0 to 255."""
        return self.values is not None and self.values[1] <= 255 and all(end == int(end) >= 0 for end in self.values)

    def of_bytes(self, most: int) -> Range | None:
        """The range of an 8-bit file whose highest value is `most`, or None if it is 0 to 255.

        A range of few grey levels does not apply to a file with more, such as a mask of 0 and 255.
        """
        few = self.of == "files" and self.fits_bytes and most <= FEW_LEVELS[-1]
        return self.values if few and self.values is not None and self.values[1] < 255 else None

    @property
    def of_deep(self) -> Range | None:
        """The range of files with samples of more than 8 bits, or None if it is that of their type."""
        return self.values if self.values is not None and (self.of == "files" or self.values[1] > 255) else None


PLAIN = Samples()
"""Every type has its usual range, and a band after the colours is alpha."""


def to_pixels(values: np.ndarray, limits: Range) -> np.ndarray:
    """Scale numbers of any shape so that the limits become 0 and 255, uint8; values outside are clipped.

    A value v becomes floor((v - low) * 255 / (high - low) + 0.5), in double precision.
    """
    low, high = limits
    scaled = (np.clip(values.astype(np.float64), low, high) - low) * 255 / (high - low)
    return np.asarray(np.floor(scaled + 0.5).astype(np.uint8))


def table_to_pixels(limits: Range, length: int) -> np.ndarray:
    """Return the pixels of the integers from 0 to length - 1 as `to_pixels` scales them, uint8 [length]."""
    return to_pixels(np.arange(length), limits)


def rescaled(pixels: np.ndarray, before: Range | None, after: Range | None) -> np.ndarray:
    """Return pixels, uint8, that were scaled from one range as if they had been scaled from another.

    They are unchanged where one of the ranges is unknown.
    """
    if before is None or after is None or before == after:
        return pixels
    values = before[0] + np.arange(256) * (before[1] - before[0]) / 255
    scaled: np.ndarray = to_pixels(values, after)[pixels]
    return scaled

"""Pixels as the bytes of a picture file, small and exact as PNG, larger ones as JPEG; and smaller for a page."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

EXACT = 64
"""Pictures of up to this side are written exactly; larger ones would weigh too much in a page."""


def as_file(pixels: np.ndarray) -> tuple[bytes, str]:
    """A picture uint8 [height, width, 1 or 3] as a file's bytes, and the file's media type."""
    exact = max(pixels.shape[:2]) <= EXACT
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, format="PNG" if exact else "JPEG", quality=85)
    return buffer.getvalue(), "image/png" if exact else "image/jpeg"


def within(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture uint8 [height, width, 1 or 3], shrunken where its longer side has more than `side` pixels."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image.height, image.width, -1)

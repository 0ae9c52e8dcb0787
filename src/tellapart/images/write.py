"""Encode pixels as a picture file for a page: small pictures as PNG, larger ones as JPEG."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

EXACT = 64
"""Pictures up to this side are encoded without loss; larger ones would make a page too large."""


def as_file(pixels: np.ndarray) -> tuple[bytes, str]:
    """Encode a picture uint8 [height, width, 1 or 3]; return the bytes and the media type."""
    exact = max(pixels.shape[:2]) <= EXACT
    buffer = io.BytesIO()
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.save(buffer, format="PNG" if exact else "JPEG", quality=85)
    return buffer.getvalue(), "image/png" if exact else "image/jpeg"


def within(pixels: np.ndarray, side: int) -> np.ndarray:
    """Reduce a picture uint8 [height, width, 1 or 3] so that its longer side has at most `side` pixels."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image.height, image.width, -1)

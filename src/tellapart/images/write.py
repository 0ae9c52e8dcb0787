"""Encode pixels as a picture file for a page, and bring pictures and maps to the size that they have there."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, features

EXACT = 64
"""Pictures up to this side are encoded without loss; larger ones would make a page too large."""

QUALITY = 72
"""Of WebP and JPEG files: a photo of 224 pixels takes about 6 kB."""


def as_file(pixels: np.ndarray) -> tuple[bytes, str]:
    """Encode a picture uint8 [height, width, 1 or 3]; return the bytes and the media type.

    Small pictures become PNG files without loss, larger ones WebP, or JPEG where Pillow cannot write WebP.
    """
    kind = "PNG" if max(pixels.shape[:2]) <= EXACT else "WEBP" if features.check("webp") else "JPEG"
    buffer = io.BytesIO()
    _image(pixels).save(buffer, format=kind, quality=QUALITY)
    return buffer.getvalue(), f"image/{kind.lower()}"


def within(pixels: np.ndarray, side: int) -> np.ndarray:
    """Reduce a picture uint8 [height, width, 1 or 3] so that its longer side has at most `side` pixels."""
    if max(pixels.shape[:2]) <= side:
        return pixels
    image = _image(pixels)
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return np.asarray(image).reshape(image.height, image.width, -1)


def enlarged(pixels: np.ndarray, side: int) -> np.ndarray:
    """Repeat the pixels of a picture [height, width, channels] until its longer side has about `side` pixels.

    Pictures that are not smaller are returned unchanged.
    """
    times = max(1, round(side / max(pixels.shape[:2])))
    return pixels.repeat(times, axis=0).repeat(times, axis=1)


def resized_map(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Resize a map float [rows, columns] with values from 0 to 1 smoothly to float32 [height, width]."""
    image = Image.fromarray(values.astype(np.float32)).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(np.clip(np.asarray(image), 0, 1))


def _image(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)

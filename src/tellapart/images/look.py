"""What can be said of one picture at a glance: its file, size, light, sharpness, and a small copy to compare it by."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tellapart.images.decode import FORMATS, JPEGS, decode, orientation_of, settle

THUMBNAIL = 32
"""Side of the small copy."""

SHARPNESS_SIDE = 256
"""Sharpness is measured on the picture shrunken to at most this side, so that sizes can be compared."""

EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "PNG": {".png"},
    "GIF": {".gif"},
    "BMP": {".bmp", ".dib"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff"},
    "PPM": {".ppm", ".pgm", ".pbm", ".pnm"},
}
"""What files of a format are called."""


@dataclass(frozen=True, eq=False)
class Look:
    """A picture at a glance.

    `shape` is height, width and channels (1 or 3), upright; `format` and `orientation` (EXIF, 1 is upright) are the
    file's, None and 1 for pixels; `digest` names the very pixels; `grey` tells a colour picture without colour;
    `middle`, `spread` and `brightest` are mean, standard deviation and 99th percentile of its grey values, 0..255;
    `marks` is how far the values of a channel of its small copy lie apart, at most; `grey_side` the share of that, from
    one side on, which is plain mid-grey, where the opposite side is not; `sharpness` is the variance of its Laplacian;
    `thumbnail` uint8 [32, 32, 3] is the small copy.
    """

    shape: tuple[int, int, int]
    format: str | None
    orientation: int
    digest: bytes
    grey: bool
    middle: float
    spread: float
    brightest: float
    marks: int
    grey_side: float
    sharpness: float
    thumbnail: np.ndarray


def look_at_file(data: bytes, source: str = "picture") -> Look:
    """Look at the bytes of a picture file. Raises PictureError where it cannot be read to its end."""
    pixels = decode(data, source)
    with Image.open(io.BytesIO(data), formats=FORMATS) as image:
        settle(image, data)
        return look(pixels, "JPEG" if image.format in JPEGS else image.format, orientation_of(image))


def digest(pixels: np.ndarray) -> bytes:
    """16 bytes that name the very pixels, uint8 [height, width, channels]."""
    found = hashlib.sha256(repr(pixels.shape).encode())
    found.update(np.ascontiguousarray(pixels).data)
    return found.digest()[:16]


def thumbnail(image: Image.Image) -> np.ndarray:
    """A small copy to compare pictures by, uint8 [32, 32, 3]."""
    return np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).convert("RGB"))


def look(pixels: np.ndarray, format: str | None = None, orientation: int = 1) -> Look:
    """Look at upright pixels uint8 [height, width, 1 or 3] of a file of some format."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    small = thumbnail(image)
    light = image.convert("L")
    light.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE), Image.Resampling.BOX)
    values = np.asarray(light, np.float32)
    return Look(
        shape=(pixels.shape[0], pixels.shape[1], pixels.shape[2]),
        format=format,
        orientation=orientation,
        digest=digest(pixels),
        grey=pixels.shape[2] == 3 and not has_colour(small),
        middle=float(values.mean()),
        spread=float(values.std()),
        brightest=float(np.percentile(values, 99)),
        marks=int(np.ptp(small.astype(np.int16), axis=(0, 1)).max()),
        grey_side=_grey_side(small),
        sharpness=_sharpness(values),
        thumbnail=small,
    )


def has_colour(pixels: np.ndarray) -> bool:
    """Whether the channels of uint8 [height, width, 3], shrunken to a small copy, differ by more than a codec adds."""
    wide = pixels.astype(np.int16)
    if max(wide.shape[:2]) > THUMBNAIL:
        wide = thumbnail(Image.fromarray(pixels)).astype(np.int16)
    return int((wide.max(axis=2) - wide.min(axis=2)).max()) > 6


def _grey_side(pixels: np.ndarray) -> float:
    """The share of uint8 [32, 32, 3], from one side on, that is as blocks of a JPEG without data: 128, nearly."""
    grey = np.all(np.abs(pixels.astype(np.int16) - 128) <= 1, axis=2)
    found = 0.0
    for lines in (np.all(grey, axis=1).tolist(), np.all(grey, axis=0).tolist()):
        near, far = sorted((_before(lines), _before(lines[::-1])))
        if near == 0 and far < len(lines):
            found = max(found, far / len(lines))
    return found


def _before(lines: list[bool]) -> int:
    """How many lines there are before the first that is not so."""
    return lines.index(False) if False in lines else len(lines)


def _sharpness(values: np.ndarray) -> float:
    """Variance of the Laplacian, of grey values float [height, width] (Pech-Pacheco and others 2000)."""
    if min(values.shape) < 3:
        return 0.0
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return float((around - 4 * values[1:-1, 1:-1]).var())

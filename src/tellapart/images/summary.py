"""Summarise one picture: file format, size, brightness, sharpness, a hash, and a small copy to compare it by."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from tellapart.images.decode import decode, format_and_orientation
from tellapart.images.jpeg import JPEGS
from tellapart.images.samples import PLAIN, Samples

THUMBNAIL = 32
"""Side of the small copy."""

SHARPNESS_SIDE = 256
"""Sharpness is measured on the picture reduced to at most this side, so that it does not depend on the size."""

COLOURFUL = 6
"""The largest difference between the channels that a codec may add to a grey picture, of 255."""

EXTENSIONS = {
    "JPEG": {".jpg", ".jpeg", ".jpe", ".jfif"},
    "PNG": {".png"},
    "GIF": {".gif"},
    "BMP": {".bmp", ".dib"},
    "WEBP": {".webp"},
    "TIFF": {".tif", ".tiff"},
    "PPM": {".ppm", ".pgm", ".pbm", ".pnm"},
    "HEIF": {".heic", ".heif", ".hif"},
    "AVIF": {".avif"},
}
"""The usual extensions of each file format."""


@dataclass(frozen=True, eq=False)
class PictureSummary:
    """What is known of one picture.

    Attributes:
        shape: Height, width and channels (1 or 3), upright.
        format: The file's format in capitals, None for pixels.
        orientation: The file's EXIF orientation; 1 is upright, also for pixels.
        digest: A hash of the pixels, 16 bytes.
        grey: Whether a picture with three channels has no colour.
        mean: Mean of the grey values, 0..255.
        deviation: Standard deviation of the grey values.
        percentile_99: The value that 99 % of the grey values do not exceed.
        value_range: The largest difference between values of one channel of the small copy, 0..255.
        grey_side: The share of the small copy, from one side on, that is plain mid-grey while the opposite side is not.
        sharpness: Variance of the Laplacian of the grey values.
        thumbnail: The small copy, uint8 [32, 32, 3].
    """

    shape: tuple[int, int, int]
    format: str | None
    orientation: int
    digest: bytes
    grey: bool
    mean: float
    deviation: float
    percentile_99: float
    value_range: int
    grey_side: float
    sharpness: float
    thumbnail: np.ndarray


def summarise_file(data: bytes, source: str = "picture", samples: Samples = PLAIN) -> PictureSummary:
    """Summarise the bytes of a picture file. Raises PictureError if they cannot be decoded completely."""
    pixels = decode(data, source, samples=samples)
    kind, orientation = format_and_orientation(data, source)
    return summarise(pixels, "JPEG" if kind in JPEGS else kind, orientation)


def summarise(pixels: np.ndarray, format: str | None = None, orientation: int = 1) -> PictureSummary:
    """Summarise upright pixels uint8 [height, width, 1 or 3] from a file of this format and orientation."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    small = thumbnail(image)
    grey = image.convert("L")
    grey.thumbnail((SHARPNESS_SIDE, SHARPNESS_SIDE), Image.Resampling.BOX)
    values = np.asarray(grey, np.float32)
    return PictureSummary(
        shape=(pixels.shape[0], pixels.shape[1], pixels.shape[2]),
        format=format,
        orientation=orientation,
        digest=digest(pixels),
        grey=pixels.shape[2] == 3 and not has_colour(small),
        mean=float(values.mean()),
        deviation=float(values.std()),
        percentile_99=float(np.percentile(values, 99)),
        value_range=int(np.ptp(small.astype(np.int16), axis=(0, 1)).max()),
        grey_side=_grey_side(small),
        sharpness=_sharpness(values),
        thumbnail=small,
    )


def digest(pixels: np.ndarray) -> bytes:
    """Return a hash of shape and pixels, uint8 [height, width, channels]: 16 bytes."""
    sha256 = hashlib.sha256(repr(pixels.shape).encode())
    sha256.update(np.ascontiguousarray(pixels).data)
    return sha256.digest()[:16]


def thumbnail(image: Image.Image) -> np.ndarray:
    """Return a small copy for comparisons, uint8 [32, 32, 3]."""
    return np.asarray(image.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BOX).convert("RGB"))


def has_colour(pixels: np.ndarray) -> bool:
    """Return whether uint8 [height, width, 3], reduced to a small copy, has more colour than a codec adds."""
    wide = pixels.astype(np.int16)
    if max(wide.shape[:2]) > THUMBNAIL:
        wide = thumbnail(Image.fromarray(pixels)).astype(np.int16)
    return int((wide.max(axis=2) - wide.min(axis=2)).max()) > COLOURFUL


def _grey_side(pixels: np.ndarray) -> float:
    """Return the share of uint8 [32, 32, 3], from one side on, with values near 128, like JPEG blocks without data."""
    grey = np.all(np.abs(pixels.astype(np.int16) - 128) <= 1, axis=2)
    share = 0.0
    for lines in (np.all(grey, axis=1).tolist(), np.all(grey, axis=0).tolist()):
        near, far = sorted((_leading(lines), _leading(lines[::-1])))
        if near == 0 and far < len(lines):
            share = max(share, far / len(lines))
    return share


def _leading(lines: list[bool]) -> int:
    """Count the true values before the first false one."""
    return lines.index(False) if False in lines else len(lines)


def _sharpness(values: np.ndarray) -> float:
    """Return the variance of the Laplacian of grey values float [height, width] (Pech-Pacheco and others 2000)."""
    if min(values.shape) < 3:
        return 0.0
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    return float((around - 4 * values[1:-1, 1:-1]).var())

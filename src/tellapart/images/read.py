"""Read a picture from a path, bytes, a Pillow image or an array."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tellapart.errors import PictureError
from tellapart.images.decode import decode_image, from_pillow, pixels_of
from tellapart.images.jpeg import JPEGS
from tellapart.images.samples import OVERSHOOT, PLAIN, Samples, to_pixels

SUFFIXES = frozenset(
    [
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".png",
        ".gif",
        ".bmp",
        ".dib",
        ".webp",
        ".tif",
        ".tiff",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".heic",
        ".heif",
        ".hif",
        ".avif",
        ".jxl",
        ".dcm",
        ".dicom",
    ]
)
"""Extensions of files that are taken for pictures in a folder; the content decides when they are read."""

MAX_BYTES = 256 * 2**20
"""Larger picture files are refused."""


def looks_like_picture(name: str) -> bool:
    """Return whether a file in a folder of pictures is one by its name: it has a picture's extension, or none."""
    base = name.rsplit("/", 1)[-1]
    if base.startswith(".") or base.lower() in ("thumbs.db", "desktop.ini"):
        return False
    dot = base.rfind(".")
    return dot == -1 or base[dot:].lower() in SUFFIXES


_STARTS = (
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"GIF8",
    b"BM",
    b"RIFF",
    b"II*\0",
    b"MM\0*",
    b"P1",
    b"P2",
    b"P3",
    b"P4",
    b"P5",
    b"P6",
)


def starts_as_picture(data: bytes) -> bool:
    """Return whether a file that starts with these bytes may be a picture."""
    return data.startswith(_STARTS)


def read_picture(
    source: Any, name: str | None = None, least: tuple[int, int] | None = None, samples: Samples = PLAIN
) -> np.ndarray:
    """Return the pixels of one picture: uint8 [height, width, 1 or 3].

    `source` is a path, the bytes of a picture file, a `PIL.Image.Image`, or an array (see `from_array`). With `least`
    (height, width), files and Pillow images that are not decoded yet may be decoded to a reduced size, no less than
    that. `samples` says which values become 0 and 255. Raises PictureError if the picture cannot be read.
    """
    if isinstance(source, np.ndarray):
        return from_array(source, name or "array", samples)
    return pixels_of(read_image(source, name, least, samples))


def read_image(
    source: Any, name: str | None = None, least: tuple[int, int] | None = None, samples: Samples = PLAIN
) -> Image.Image:
    """Return a picture as `read_picture` does, as a Pillow image of mode L or RGB."""
    if isinstance(source, np.ndarray):
        pixels = from_array(source, name or "array", samples)
        return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    if isinstance(source, (str, os.PathLike)):
        return decode_image(read_file(Path(source)), name or str(source), least, samples)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode_image(bytes(source), name or "bytes", least, samples)
    if isinstance(source, Image.Image):
        data, name = _file_of(source), name or "picture"
        return from_pillow(source, name, samples) if data is None else decode_image(data, name, least, samples)
    raise PictureError(
        name or type(source).__name__, "is not a picture", "use a path, bytes, a Pillow image or an array"
    )


def _file_of(image: Image.Image) -> bytes | None:
    """Return the bytes of a JPEG that is open and not decoded yet, to read it like a file; None for all others."""
    file = getattr(image, "fp", None)
    whole = (
        image.format in JPEGS and not getattr(image, "decoderconfig", True) and image.tell() == 0
    )  # no reduced decoding requested
    if file is None or not whole or not getattr(image, "tile", None):
        return None
    try:
        place = file.tell()
        file.seek(0)
        data = file.read(MAX_BYTES + 1)
        file.seek(place)
    except (OSError, ValueError):  # closed, or not seekable
        return None
    return data if isinstance(data, bytes) and len(data) <= MAX_BYTES else None


def read_file(path: Path) -> bytes:
    """Return the bytes of a picture file. Raises PictureError if it is missing, too large or not a regular file."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a FIFO or a device would block or never end
            raise PictureError(str(path), "is not a file", "check the path")
        if status.st_size > MAX_BYTES:
            raise PictureError(str(path), f"is larger than {MAX_BYTES // 2**20} MiB")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(str(path), "does not exist", "check the path") from error
    except OSError as error:
        raise PictureError(str(path), f"cannot be read ({error.strerror})", temporary=True) from error


def from_array(array: np.ndarray, name: str = "array", samples: Samples = PLAIN) -> np.ndarray:
    """Return the pixels uint8 [height, width, 1 or 3] of an array of values 0..255, or of another range in `samples`.

    The array is [height, width] or [height, width, 1, 3 or 4] of integers or floats; floats are rounded. A fourth
    channel is alpha, which is flattened on white. Raises PictureError for another shape, for values out of range, and
    for floats that seem to be scaled to 0..1.
    """
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise PictureError(name, f"has shape {array.shape}", "use [height, width] or [height, width, 1, 3 or 4]")
    limits = samples.for_array(array.dtype)
    if limits is not None:
        array = _scaled(array, limits, name)
    elif array.dtype != np.uint8:
        array = _to_uint8(array, name)
    if array.shape[2] == 4:
        return pixels_of(from_pillow(Image.fromarray(array), name))
    return array


def _scaled(array: np.ndarray, limits: tuple[float, float], name: str) -> np.ndarray:
    """Return the pixels of an array with values in these limits, or little beyond, which is clipped."""
    low, high = limits
    if array.dtype.kind not in "iufb":
        raise PictureError(name, f"has values of type {array.dtype}", f"use numbers from {low:g} to {high:g}")
    least, most = float(array.min()), float(array.max())
    spare = OVERSHOOT * (high - low)
    fractions = array.dtype.kind == "f" and 0 < most <= 1 < 0.1 * high
    if fractions or not (least >= low - spare and most <= high + spare):  # written so that NaN fails too
        reason = f"has values from {least:g} to {most:g}; the model was trained on {low:g} to {high:g}"
        raise PictureError(name, reason, f"use values from {low:g} to {high:g}")
    return to_pixels(array, limits)


def _to_uint8(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == bool or array.dtype.kind not in "iuf":
        raise PictureError(name, f"has values of type {array.dtype}", "use numbers from 0 to 255")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # written so that NaN fails too
        raise PictureError(name, f"has values from {low} to {high}", "use values from 0 to 255")
    if array.dtype.kind == "f":
        if 0 < high <= 1:
            raise PictureError(
                name, f"has values from {low:g} to {high:g}", "multiply by 255: pixels are from 0 to 255"
            )
        array = np.rint(array)
    return array.astype(np.uint8)

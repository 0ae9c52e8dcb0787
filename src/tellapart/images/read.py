"""A picture as a person holds it - path, bytes, Pillow image, array - to pixels."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tellapart.errors import PictureError
from tellapart.images.decode import JPEGS, decode, from_pillow

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
        ".avif",
    ]
)
"""Extensions of files that are taken for pictures when a folder is searched; what they hold decides later."""

MAX_BYTES = 256 * 2**20
"""No picture file is read beyond this size."""


def looks_like_picture(name: str) -> bool:
    """Whether a file of this name, in a folder of pictures, is meant as one: by extension, or none at all."""
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
    """Whether a file that starts with these bytes may be a picture."""
    return data.startswith(_STARTS)


def read_picture(source: Any, name: str | None = None, least: tuple[int, int] | None = None) -> np.ndarray:
    """Pixels of one picture: uint8 [height, width, 1 or 3].

    `source` is a path, the bytes of a picture file, a `PIL.Image.Image`, or an array (see `from_array`). Files, and
    images that Pillow has opened and not decoded yet, are decoded to no less than the height and width `least`, where
    that is given. Raises PictureError when it cannot be read.
    """
    if isinstance(source, np.ndarray):
        return from_array(source, name or "array")
    if isinstance(source, (str, os.PathLike)):
        return decode(read_file(Path(source)), name or str(source), least)
    if isinstance(source, (bytes, bytearray, memoryview)):
        return decode(bytes(source), name or "bytes", least)
    if isinstance(source, Image.Image):
        data = _file_of(source)
        return from_pillow(source, name or "picture") if data is None else decode(data, name or "picture", least)
    raise PictureError(
        name or type(source).__name__, "is not a picture", "give a path, bytes, a Pillow image or an array"
    )


def _file_of(image: Image.Image) -> bytes | None:
    """The file of a JPEG that is open and not decoded yet: so it is read as every other file; None of all others."""
    file = getattr(image, "fp", None)
    whole = image.format in JPEGS and not getattr(image, "decoderconfig", True) and image.tell() == 0  # not drafted
    if file is None or not whole or not getattr(image, "tile", None):
        return None
    try:
        place = file.tell()
        file.seek(0)
        data = file.read(MAX_BYTES + 1)
        file.seek(place)
    except (OSError, ValueError):  # closed, or it cannot go back
        return None
    return data if isinstance(data, bytes) and len(data) <= MAX_BYTES else None


def read_file(path: Path) -> bytes:
    """The bytes of a picture file. Raises PictureError when it is missing, too large or not a plain file."""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):  # a FIFO or a device would block or never end
            raise PictureError(str(path), "is not a file", "check the path")
        if found.st_size > MAX_BYTES:
            raise PictureError(str(path), f"is larger than {MAX_BYTES // 2**20} MiB")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise PictureError(str(path), "does not exist", "check the path") from error
    except OSError as error:
        raise PictureError(str(path), f"cannot be read ({error.strerror})", temporary=True) from error


def from_array(array: np.ndarray, name: str = "array") -> np.ndarray:
    """Check pixels given as an array, [height, width] or [height, width, 1 or 3 or 4], values 0 to 255.

    Integers and floats are taken; floats are rounded. A fourth channel is alpha, flattened on white.
    Raises PictureError for another shape, values out of range, or floats that look scaled to 0..1.
    """
    if array.ndim == 2:
        array = array[:, :, np.newaxis]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise PictureError(name, f"has shape {array.shape}", "give [height, width] or [height, width, 1 or 3 or 4]")
    if array.dtype != np.uint8:
        array = _to_uint8(array, name)
    if array.shape[2] == 4:
        return from_pillow(Image.fromarray(array), name)
    return array


def _to_uint8(array: np.ndarray, name: str) -> np.ndarray:
    if array.dtype == bool or array.dtype.kind not in "iuf":
        raise PictureError(name, f"has values of type {array.dtype}", "give numbers from 0 to 255")
    low, high = array.min(), array.max()
    if not (low >= 0 and high <= 255):  # written so that NaN fails too
        raise PictureError(name, f"has values from {low} to {high}", "give pixels from 0 to 255")
    if array.dtype.kind == "f":
        if 0 < high <= 1:
            raise PictureError(name, f"has values from {low:g} to {high:g}", "multiply by 255: pixels go from 0 to 255")
        array = np.rint(array)
    return array.astype(np.uint8)

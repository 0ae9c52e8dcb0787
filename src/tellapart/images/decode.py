"""Decode the bytes of a picture file to upright pixels, 8 bits per channel, grey or RGB."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, UnidentifiedImageError

from tellapart.errors import PictureError

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""The decoders that may run. The content of a file decides, not its extension."""

JPEGS = ("JPEG", "MPO")
"""Pillow's names for JPEG files; an MPO is a JPEG followed by more pictures, as some cameras write."""

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""The operation that makes a picture upright, by its EXIF orientation."""

_EXIF = ("exif", "xmp", "XML:com.adobe.xmp", "Raw profile type exif")
_LATE = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type exif")
"""Marks of EXIF data in PNG files, where they may come after the pixels."""

MAX_PIXELS = 50_000_000
"""Larger pictures are refused by their header, before any memory is allocated."""

MAX_SCANS = 200
"""JPEGs with more scans are refused: a file may have thousands of 30 bytes, and each is decoded for all pixels."""


def decode(data: bytes, source: str = "picture", least: tuple[int, int] | None = None) -> np.ndarray:
    """Decode a picture.

    Returns uint8 [height, width, channels]: 1 channel for grey files, else 3 (RGB). EXIF orientation is applied, alpha
    is flattened on white, samples of 9 to 16 bits are scaled to 8, the first frame of an animation is used.

    With `least` (height and width, upright) a JPEG may be decoded at a half, a quarter or an eighth of its size, no
    less than that, which saves work.

    Raises PictureError with the name `source` for anything that cannot be read.
    """
    try:
        with _open(data, source) as image:
            if least is not None:
                _draft(image, least)
            return from_pillow(image, source)
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged input
        raise PictureError(source, _reason(error)) from error


def from_pillow(image: Image.Image, source: str = "picture") -> np.ndarray:
    """Return the pixels of a Pillow image, as `decode` does. Raises PictureError if its data cannot be read."""
    try:
        image.load()
        highest = _highest(image, source)
        way = _UPRIGHT.get(orientation_of(image))  # exif_transpose rewrites all tags, and fails at odd ones
        return _pixels(image if way is None else image.transpose(way), source, highest)
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError(source, "does not fit in memory", temporary=True) from error
    except Exception as error:
        raise PictureError(source, _reason(error)) from error


def header(data: bytes, source: str = "picture", whole: bool = True) -> tuple[int, int, int]:
    """Return height, width and channels (1 or 3) as `decode` would, from the header alone.

    Raises PictureError as `decode` does, but does not notice damage after the header. If `data` is not the `whole`
    file, it is also raised for formats that may have the orientation at their end.
    """
    try:
        with _open(data, source) as image:
            if not whole and image.format not in JPEGS:
                raise PictureError(source, "has a format whose header may be incomplete")
            load_late_exif(image, data)
            turned = orientation_of(image) in (5, 6, 7, 8)
            if image.format == "TIFF" and image.getexif().get(0x0112) in (5, 6, 7, 8):
                turned = False  # Pillow returns the upright size, unless only XMP has the orientation
            width, height = image.size[::-1] if turned else image.size
            return height, width, 1 if _is_grey(image) else 3
    except PictureError:
        raise
    except Exception as error:
        raise PictureError(source, _reason(error)) from error


@contextlib.contextmanager
def pillow_warnings_off() -> Iterator[None]:
    """Switch off Pillow's warnings (odd EXIF or TIFF tags): they do not matter if the pixels can be decoded.

    For the thread that starts others: the filter belongs to the process, so decoding threads must not change it.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module="PIL")
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # our own limit is lower
        yield


def _open(data: bytes, source: str) -> Image.Image:
    if not data:
        raise PictureError(source, "the file is empty")
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and (kind := _unsupported_kind(data[8:40])):
            reason = f"is {kind}, which is not supported: convert it to JPEG"
            raise PictureError(source, reason, "convert it to JPEG, or leave it out") from error
        raise PictureError(source, "is not a picture of a known format") from error
    except Image.DecompressionBombError as error:
        raise PictureError(source, f"has more than {MAX_PIXELS:,} pixels") from error
    width, height = image.size
    if width * height > MAX_PIXELS:
        image.close()
        raise PictureError(source, f"has {width} x {height} pixels, more than {MAX_PIXELS:,}")
    if image.format in JPEGS and data.count(_SCAN) > MAX_SCANS and _scans(data) > MAX_SCANS:
        image.close()
        raise PictureError(source, f"has more than {MAX_SCANS} scans, which would take too long to decode")
    return image


_SCAN = b"\xff\xda"
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd8\xff])")
"""The start of a segment. In a scan, FF comes only before 00 and restarts; 01 and D8 have no length after them."""


def _scans(data: bytes) -> int:
    """Count the scans of a JPEG, up to one more than allowed; bytes in other segments or after the end do not count."""
    place, scans = 2, 0
    while scans <= MAX_SCANS and (marker := _MARKER.search(data, place)):
        if marker[1] == b"\xd9":
            break
        scans += marker[1] == _SCAN[1:]
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return scans


def _unsupported_kind(brands: bytes) -> str | None:
    """Return HEIC (from phones) or AVIF, by the brands of a file in an MP4 container; None for a film."""
    if any(brand in brands for brand in (b"avif", b"avis")):
        return "AVIF"
    return "HEIC" if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")) else None


def _draft(image: Image.Image, least: tuple[int, int]) -> None:
    """Tell the decoder of a JPEG to reduce the size by a power of two; other formats are not affected."""
    if image.format in JPEGS:
        width, height = least if orientation_of(image) in (5, 6, 7, 8) else least[::-1]
        image.draft(None, (width, height))


def load_late_exif(image: Image.Image, data: bytes) -> None:
    """Load a PNG to its end if its EXIF data may be there."""
    if image.format == "PNG" and not any(name in image.info for name in _EXIF) and any(mark in data for mark in _LATE):
        image.load()


def orientation_of(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if there is none, as in most files, without reading the whole file."""
    if image.format in (*JPEGS, "PNG") and not any(name in image.info for name in _EXIF):
        return 1  # asking a PNG for more would decode it to its end
    try:
        orientation = image.getexif().get(0x0112, 1)
    except Exception:  # SyntaxError and struct.error among others: the block is broken, the pixels are not
        return 1
    return orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1


def _is_grey(image: Image.Image) -> bool:
    return image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16")


def _highest(image: Image.Image, source: str) -> int:
    """Return the highest value of samples of more than 8 bits: that of 16 bits, unless a TIFF has fewer.

    Raises PictureError for a TIFF with values beyond 16 bits, whose range is unknown.
    """
    tags = getattr(image, "tag_v2", None)
    if tags is None or not image.mode.startswith("I"):
        return 65535
    bits, kind = (int(np.ravel(tags.get(tag, default))[0]) for tag, default in ((258, 16), (339, 1)))
    if kind == 1 and bits <= 16:
        return (1 << bits) - 1
    samples = np.asarray(image)
    if samples.min() < 0 or samples.max() > 65535:
        what = "signed" if kind == 2 else f"{bits}-bit"
        raise PictureError(source, f"has {what} samples, whose range is unknown", "save it as 8 or 16 bit")
    return 65535


def _pixels(image: Image.Image, source: str, highest: int) -> np.ndarray:
    mode = image.mode
    if mode.startswith("I"):  # grey of more than 8 bits; the highest value becomes 255
        wide = np.clip(np.asarray(image), 0, highest).astype(np.uint16)
        narrow: np.ndarray = _to_eight_bits(highest)[wide][:, :, np.newaxis]
        return narrow
    if mode == "F":
        raise PictureError(source, "has floating-point samples, whose range is unknown", "save it as 8 or 16 bit")
    if image.has_transparency_data:
        image = _on_white(image.convert("RGBA"), "L" if mode in ("1", "L", "LA") else "RGB")
    elif mode not in ("L", "RGB"):
        image = image.convert("L" if mode == "1" else "RGB")
    array = np.asarray(image)
    return array[:, :, np.newaxis] if array.ndim == 2 else array


def _to_eight_bits(highest: int) -> np.ndarray:
    """Return a table from values up to `highest`, at most 65,535, to 8 bits: uint8 [highest + 1]."""
    table: np.ndarray = ((np.arange(highest + 1) * 255 + highest // 2) // highest).astype(np.uint8)
    return table


def _on_white(image: Image.Image, mode: str) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert(mode)


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return f"cannot be decoded ({text[:120]})"

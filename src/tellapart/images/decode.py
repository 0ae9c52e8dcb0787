"""Decode the bytes of a picture file to upright pixels, 8 bits per channel, grey or RGB."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Iterator

import numpy as np
from PIL import Image, JpegImagePlugin, TiffImagePlugin, UnidentifiedImageError

from tellapart.errors import PictureError
from tellapart.images.jpeg import JPEGS, completed, count_scans, ends_in_grey
from tellapart.images.more_formats import open_more, too_many_bands
from tellapart.images.samples import DEEPEST, PLAIN, Samples, table_to_pixels, to_pixels

FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""The decoders that may run. The content of a file decides, not its extension."""

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
TiffImagePlugin.OPEN_INFO.setdefault((b"MM", 0, (1,), 1, (16,), ()), ("I;16B", "I;16B"))
"""Pillow knows 16-bit TIFFs whose 0 is white only with the other byte order. Without this it refuses them."""

_LATE = (b"eXIf", b"XML:com.adobe.xmp", b"Raw profile type exif")
"""Marks of EXIF data in PNG files, where they may come after the pixels."""

MAX_PIXELS = 50_000_000
"""Larger pictures are refused by their header, before any memory is allocated; JPEGs are decoded at half their size."""

MAX_REDUCED = 210_000_000
"""Larger JPEGs are refused too. The largest sensors of phones have 200 megapixels."""

MAX_BUFFERED = 100_000_000
"""The same for JPEGs of several scans, of which libjpeg keeps the coefficients: up to 6 bytes per pixel."""

MAX_SCANS = 200
"""JPEGs with more scans are refused: a file may have thousands of 30 bytes, and each is decoded for all pixels."""

MOST_MISSING = 0.05
"""A JPEG that ends early is read if at most this share of its pixels is missing; they are grey."""


def decode(
    data: bytes, source: str = "picture", least: tuple[int, int] | None = None, samples: Samples = PLAIN
) -> np.ndarray:
    """Decode a picture.

    Returns uint8 [height, width, channels]: 1 channel for grey files, else 3 (RGB). EXIF orientation is applied, alpha
    is flattened on white, samples of 9 to 16 bits are scaled to 8, the first frame of an animation is used. `samples`
    says which values become 0 and 255 where the type does not. JPEGs of more than 50 megapixels are decoded at half
    their size.

    With `least` (height and width, upright) a JPEG may be decoded at a half, a quarter or an eighth of its size, no
    less than that, which saves work; preprocessing of version 2 does so.

    Raises PictureError with the name `source` for anything that cannot be read.
    """
    return pixels_of(decode_image(data, source, least, samples))


def decode_image(
    data: bytes, source: str = "picture", least: tuple[int, int] | None = None, samples: Samples = PLAIN
) -> Image.Image:
    """Decode a picture as `decode` does, to a Pillow image of mode L or RGB.

    If it is a JPEG that ends early, `missing_share` of it is the share of its pixels that are missing.
    """
    with _faults_named(source), open_within_limits(data, source, least) as image:
        if image.format in JPEGS:
            whole = _loaded_jpeg(image, data, source, least)
            return _upright(whole, source, samples)
        return _upright(image, source, samples)


def from_pillow(image: Image.Image, source: str = "picture", samples: Samples = PLAIN) -> Image.Image:
    """Return a Pillow image as `decode_image` does. Raises PictureError if its data cannot be read."""
    with _faults_named(source):
        return _upright(image, source, samples)


def pixels_of(image: Image.Image) -> np.ndarray:
    """Return the pixels of a Pillow image of mode L or RGB: uint8 [height, width, 1 or 3]."""
    array = np.asarray(image)
    return array[:, :, np.newaxis] if array.ndim == 2 else array


def missing_share(image: Image.Image) -> float:
    """Return the share of pixels, 0..1, that a JPEG lacks because its data ends early; 0 for all others."""
    return float(image.info.get(_MISSING, 0.0))


def header(data: bytes, source: str = "picture", whole: bool = True) -> tuple[int, int, int]:
    """Return height, width and channels (1 or 3) as `decode` would, from the header alone.

    Raises PictureError as `decode` does, but does not notice damage after the header. If `data` is not the `whole`
    file, it is also raised for formats that may have the orientation at their end.
    """
    with _faults_named(source), open_within_limits(data, source) as image:
        if not whole and image.format not in JPEGS:
            raise PictureError(source, "has a format whose header may be incomplete")
        load_late_exif(image, data)
        turned = orientation_of(image) in (5, 6, 7, 8)
        if image.format == "TIFF" and image.getexif().get(0x0112) in (5, 6, 7, 8):
            turned = False  # Pillow returns the upright size, unless only XMP has the orientation
        width, height = image.size[::-1] if turned else image.size
        return height, width, 1 if _is_grey(image) else 3


def format_and_orientation(data: bytes, source: str = "picture") -> tuple[str | None, int]:
    """Return the format of a picture file in capitals, and its EXIF orientation, 1 to 8. Raises PictureError."""
    with _faults_named(source), open_within_limits(data, source) as image:
        load_late_exif(image, data)
        return image.format, orientation_of(image)


@contextlib.contextmanager
def _faults_named(source: str) -> Iterator[None]:
    """Raise PictureError with this name for any exception."""
    try:
        yield
    except PictureError:
        raise
    except MemoryError as error:
        raise PictureError(source, "does not fit in memory", temporary=True) from error
    except Exception as error:  # Pillow's decoders raise nearly anything on damaged input
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


_MISSING = "tellapart: missing share"


def opened(data: bytes, source: str = "picture") -> Image.Image:
    """Open a picture file without decoding its pixels. Raises PictureError if its format is unknown."""
    if not data:
        raise PictureError(source, "the file is empty")
    try:
        if data.startswith(b"\xff\xd8\xff"):
            image: Image.Image = JpegImagePlugin.JpegImageFile(io.BytesIO(data))  # Image.open has a limit of its own
        else:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise PictureError(source, f"has more than {MAX_PIXELS:,} pixels") from error
    except (UnidentifiedImageError, SyntaxError) as error:
        more = open_more(data, source, MAX_PIXELS)
        if more is None:
            raise PictureError(source, "is not a picture of a known format") from error
        return more
    return image


def open_within_limits(data: bytes, source: str, least: tuple[int, int] | None = None) -> Image.Image:
    """Open a picture within the limits; a JPEG is then decoded at the size that `least` or its own size makes it."""
    image = opened(data, source)
    width, height = image.size
    try:
        if image.format in JPEGS:
            _check_jpeg(data, width * height, source)
            _draft(image, least)
        elif width * height > MAX_PIXELS:
            reason = f"has {width} x {height} pixels, more than {MAX_PIXELS:,}; only JPEG files may have more"
            raise PictureError(source, reason, "save it as JPEG, which is decoded at half its size, or reduce it")
        tags = getattr(image, "tag_v2", {})
        if image.mode == "L" and tags.get(TiffImagePlugin.SAMPLEFORMAT) == (2,):  # which Pillow reads as unsigned
            raise PictureError(source, "has signed samples of 8 bits, whose range is unknown", "save it as unsigned")
        bands = tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1)
        if isinstance(bands, int) and bands > 4 and image.mode != "CMYK":
            raise too_many_bands(source, bands)
    except PictureError:
        image.close()
        raise
    return image


def _check_jpeg(data: bytes, pixels: int, source: str) -> None:
    """Raise PictureError for a JPEG that takes too much memory or time to decode."""
    scans = count_scans(data, MAX_SCANS)
    limit = MAX_REDUCED if scans == 1 else MAX_BUFFERED
    if pixels > limit:
        raise PictureError(source, f"has {pixels:,} pixels, more than {limit:,}", "reduce it")
    if scans > MAX_SCANS * min(1, MAX_PIXELS / pixels):
        raise PictureError(source, f"has more than {MAX_SCANS} scans, which would take too long to decode")


def _draft(image: Image.Image, least: tuple[int, int] | None) -> None:
    """Tell the decoder of a JPEG to reduce the size by a power of two: to `least`, or if it is very large, by two."""
    width, height = image.size
    if least is not None:
        wide, high = least if orientation_of(image) in (5, 6, 7, 8) else least[::-1]
        image.draft(
            None, (wide, high) if width * height <= MAX_PIXELS else (min(wide, width // 2), min(high, height // 2))
        )
    elif width * height > MAX_PIXELS:
        image.draft(None, (width // 2, height // 2))


def _loaded_jpeg(image: Image.Image, data: bytes, source: str, least: tuple[int, int] | None) -> Image.Image:
    """Decode a JPEG that is open; a damaged one as far as it goes, if nearly all of it is there."""
    fault: OSError | None = None
    try:
        image.load()
        if not ends_in_grey(image):
            return image
    except OSError as error:
        fault = error
    found = completed(data, lambda changed: open_within_limits(changed, source, least))
    if found is None and fault is None:
        return image
    if found is None or found[1] > MOST_MISSING:
        missing = "part" if found is None else f"{max(found[1], 0.01):.0%}".replace("%", " %")
        raise PictureError(source, f"cannot be decoded ({missing} of the picture is missing)") from fault
    whole, share = found
    if fault is not None or share > 0:
        whole.info[_MISSING] = max(share, 1e-9)
    return whole


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


def _upright(image: Image.Image, source: str, samples: Samples) -> Image.Image:
    """Return a picture with 8 bits per channel, mode L or RGB, turned as its EXIF data says."""
    image.load()
    way = _UPRIGHT.get(orientation_of(image))  # exif_transpose rewrites all tags, and fails at odd ones
    plain = _of_eight_bits(image, source, samples)
    return plain if way is None else plain.transpose(way)


def _of_eight_bits(image: Image.Image, source: str, samples: Samples) -> Image.Image:
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        return Image.fromarray(_from_deep(image, source, samples))
    if mode in ("RGBA", "LA") and image.format == "TIFF" and samples.last_band == "data":
        image = image.convert(mode[:-1])
    elif image.has_transparency_data:
        image = _on_white(image.convert("RGBA"), "L" if mode in ("1", "L", "LA") else "RGB")
    elif mode not in ("L", "RGB"):
        image = image.convert("L" if mode == "1" else "RGB")
    if samples.values is not None and mode in ("L", "RGB") and image.format not in JPEGS:
        limits = samples.of_bytes(int(np.max(image.getextrema())))
        if limits is not None:
            image = image.point(table_to_pixels(limits, 256).tolist() * len(image.getbands()))
    return image


def _from_deep(image: Image.Image, source: str, samples: Samples) -> np.ndarray:
    """Return the pixels uint8 [height, width] of grey samples of more than 8 bits, integers or floats."""
    limits = samples.of_deep
    values = np.asarray(image)
    if image.mode == "F" and not np.isfinite(values).all():
        raise PictureError(source, "contains NaN or infinity", "save it as 8 or 16 bit")
    if image.mode == "F" and limits is None:
        raise PictureError(source, "has floating-point samples, whose range is unknown", "save it as 8 or 16 bit")
    highest = DEEPEST if image.mode == "F" else highest_of(image, values, source)
    limits = limits or (0, highest)
    if image.mode == "F" or limits[0] < 0:
        pixels = to_pixels(values, limits)
    else:
        pixels = table_to_pixels(limits, DEEPEST + 1)[np.clip(values, 0, DEEPEST).astype(np.uint16)]
    return 255 - pixels if _is_inverted(image) else pixels


def _is_inverted(image: Image.Image) -> bool:
    """Return whether 0 is white in a TIFF (PhotometricInterpretation 0). Pillow only inverts samples of 8 bits."""
    tags = getattr(image, "tag_v2", None)
    return tags is not None and tags.get(TiffImagePlugin.PHOTOMETRIC_INTERPRETATION) == 0


def highest_of(image: Image.Image, samples: np.ndarray, source: str) -> int:
    """Return the highest value of samples of more than 8 bits: that of 16 bits, unless a TIFF has fewer.

    Raises PictureError for a TIFF with values beyond 16 bits, whose range is unknown.
    """
    tags = getattr(image, "tag_v2", None)
    if tags is None:
        return DEEPEST
    bits, kind = (int(np.ravel(tags.get(tag, default))[0]) for tag, default in ((258, 16), (339, 1)))
    if kind == 1 and bits <= 16:
        return (1 << bits) - 1
    if samples.min() < 0 or samples.max() > DEEPEST:
        what = "signed" if kind == 2 else f"{bits}-bit"
        raise PictureError(source, f"has {what} samples, whose range is unknown", "save it as 8 or 16 bit")
    return DEEPEST


def _on_white(image: Image.Image, mode: str) -> Image.Image:
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert(mode)


def _reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "cannot be decoded (it is damaged)"
    text = " ".join(str(error).split()) or type(error).__name__
    return f"cannot be decoded ({text[:120]})"

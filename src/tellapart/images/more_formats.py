"""Open picture files that Pillow alone does not read: HEIC, AVIF and DICOM, if the package for it is installed.

The others are named with what to do. JPEG XL is among these: its only well-kept Pillow plugin has a licence (GPL) that
does not go with this project, and decodes all pixels before their number can be checked.
"""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image, TiffImagePlugin, features

from tellapart.errors import PictureError
from tellapart.images.samples import to_pixels

_DEFLATED = b"1.2.840.10008.1.2.1.99"
"""The DICOM transfer syntax that compresses the whole file, with no limit for what it unpacks to."""

_POINTER = b"version https://git-lfs.github.com/"

_CONVERT = "convert it to JPEG or PNG"


def open_more(data: bytes, source: str, max_pixels: int) -> Image.Image | None:
    """Open a file that is not in one of the usual formats; None if its format is unknown.

    Raises PictureError for a known format that cannot be read here, and for a DICOM file of more than `max_pixels`.
    """
    kind = _kind(data)
    if kind == "HEIC":
        return _heic(data, source)
    if kind == "AVIF":
        return _avif(data, source)
    if kind == "DICOM":
        return _dicom(data, source, max_pixels)
    if kind in ("JPEG XL", "JPEG 2000"):
        raise PictureError(source, f"is {kind}, which is not supported: {_CONVERT}", f"{_CONVERT}, or leave it out")
    if kind == "TIFF" and (bands := _bands(data)) > 4:
        raise too_many_bands(source, bands)
    if kind == "TIFF":
        todo = "save it as PNG, or as TIFF with 1 or 3 bands of 8 or 16 bits"
        raise PictureError(source, f"is damaged, or a TIFF of a rare kind: {todo}", todo)
    if data.startswith(_POINTER):
        todo = "fetch it with 'git lfs pull'"
        raise PictureError(source, f"is a pointer of Git LFS, not the picture itself: {todo}", todo)
    return None


def too_many_bands(source: str, bands: int) -> PictureError:
    """Return the error for a multispectral TIFF."""
    what = "save three of its bands as RGB"
    return PictureError(source, f"has {bands} bands; at most 3 and alpha can be read: {what}", what)


def _kind(data: bytes) -> str | None:
    """Return the name of a format by the first bytes of a file. A film in an MP4 container has none."""
    if data[4:8] == b"ftyp":
        brands = data[8:40]
        if any(brand in brands for brand in (b"avif", b"avis")):
            return "AVIF"
        return "HEIC" if any(brand in brands for brand in (b"heic", b"heix", b"hevc", b"mif1", b"msf1")) else None
    if data[128:132] == b"DICM":
        return "DICOM"
    if data.startswith((b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")):
        return "JPEG XL"
    if data.startswith((b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")):
        return "JPEG 2000"
    return "TIFF" if data.startswith((b"II*\0", b"MM\0*")) else None


def _bands(data: bytes) -> int:
    """Return the number of bands that the header of a TIFF gives; 1 if it cannot be read."""
    try:
        tags = TiffImagePlugin.ImageFileDirectory_v2(data[:8])
        file = io.BytesIO(data)
        file.seek(tags.next)
        tags.load(file)
        return int(tags.get(TiffImagePlugin.SAMPLESPERPIXEL, 1))
    except Exception:  # damaged in any way; the caller reports that the format is unknown
        return 1


def _heic(data: bytes, source: str) -> Image.Image:
    try:
        from pillow_heif import HeifImageFile
    except ImportError as error:
        raise _missing(source, "HEIC", "heif") from error
    try:
        image: Image.Image = HeifImageFile(io.BytesIO(data))
    except Exception as error:  # the library raises its own and Python's errors on damaged files
        raise PictureError(source, f"is HEIC that cannot be decoded ({' '.join(str(error).split())[:100]})") from error
    return image


def _avif(data: bytes, source: str) -> Image.Image:
    if not features.check("avif"):
        reason = "is AVIF, which this build of Pillow cannot read: pip install --force-reinstall pillow"
        raise PictureError(source, reason, f"install Pillow from PyPI, or {_CONVERT}")
    return Image.open(io.BytesIO(data), formats=("AVIF",))


def _missing(source: str, kind: str, extra: str) -> PictureError:
    what = f"pip install 'tellapart[{extra}]'"
    return PictureError(source, f"is {kind}: {what}", f"{what}, or {_CONVERT}")


def _dicom(data: bytes, source: str, max_pixels: int) -> Image.Image:
    """Decode an uncompressed DICOM picture: grey through its own window or its range, or RGB of 8 bits."""
    try:
        import pydicom
    except ImportError as error:
        raise _missing(source, "DICOM", "dicom") from error
    if _DEFLATED in data:
        raise _dicom_error(source, "is compressed as a whole")
    file = pydicom.dcmread(io.BytesIO(data))
    if file.file_meta.TransferSyntaxUID.is_compressed:
        raise _dicom_error(source, f"is compressed ({file.file_meta.TransferSyntaxUID.name})")
    frames, pixels = int(file.get("NumberOfFrames") or 1), int(file.Rows) * int(file.Columns)
    if frames > 1:
        raise _dicom_error(source, f"has {frames} frames")
    if pixels > max_pixels:
        raise PictureError(source, f"has {file.Columns} x {file.Rows} pixels, more than {max_pixels:,}")
    kind = str(file.PhotometricInterpretation)
    if kind == "RGB" and file.BitsAllocated == 8:
        return Image.fromarray(np.ascontiguousarray(file.pixel_array))
    if kind not in ("MONOCHROME1", "MONOCHROME2"):
        raise _dicom_error(source, f"has colours of the kind {kind}")
    grey = to_pixels(*_windowed(file))
    return Image.fromarray(255 - grey if kind == "MONOCHROME1" else grey)


def _dicom_error(source: str, what: str) -> PictureError:
    todo = "export it as PNG, or as uncompressed DICOM of one frame"
    return PictureError(source, f"is DICOM that {what}: {todo}", todo)


def _windowed(file: Any) -> tuple[np.ndarray, tuple[float, float]]:
    """Return the values of a grey DICOM picture, and those that become black and white (DICOM PS3.3, C.11.2.1.2).

    Without a window, these are the lowest and highest that its bits can have.
    """
    slope, shift = float(file.get("RescaleSlope", 1)), float(file.get("RescaleIntercept", 0))
    values = file.pixel_array * slope + shift
    if file.get("WindowCenter") is not None and file.get("WindowWidth") is not None:
        centre, width = (float(np.ravel(file[name].value)[0]) for name in ("WindowCenter", "WindowWidth"))
        if width > 1:
            return values, (centre - width / 2, centre + width / 2 - 1)
    most = 1 << int(file.BitsStored)
    low, high = (-(most // 2), most // 2 - 1) if file.PixelRepresentation else (0, most - 1)
    ends = sorted((low * slope + shift, high * slope + shift))
    return values, (ends[0], ends[1])

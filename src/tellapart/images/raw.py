"""Read the numbers of a picture file as they are stored, before they are scaled to 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from tellapart.images.decode import highest_of, open_within_limits
from tellapart.images.jpeg import JPEGS

Kind = Literal["deep", "float", "bytes", "other"]


@dataclass(frozen=True, eq=False)
class RawHeader:
    """What the header of a picture file says about its numbers.

    Attributes:
        kind: `deep` for grey integers of more than 8 bits, `float`, `bytes` for 8 bits per channel, `other` for JPEGs,
            palettes and single bits, whose numbers say nothing.
        pixels: The number of pixels.
        banded: Whether it is a TIFF with a band after its colours that is marked as alpha.
        cut: Whether the file has 16 bits per channel, of which only the upper 8 can be read.
        paged: Whether it is a TIFF of several pages.
    """

    kind: Kind
    pixels: int
    banded: bool = False
    cut: bool = False
    paged: bool = False


@dataclass(frozen=True, eq=False)
class Raw:
    """The numbers of a picture file.

    Attributes:
        header: What its header says.
        values: The numbers of the colours, [height, width] or [height, width, channels].
        highest: The highest value that the type can have.
        last_band: What a TIFF has after its colours, uint8 [height, width]; None if it is not marked as alpha.
    """

    header: RawHeader
    values: np.ndarray
    highest: int = 255
    last_band: np.ndarray | None = None


def read_raw_header(data: bytes, source: str = "picture") -> RawHeader:
    """Return what a header says about the numbers. Raises PictureError or another exception if it cannot be read."""
    with open_within_limits(data, source) as image:
        return _header_of(image, data)


def read_raw(data: bytes, source: str = "picture") -> Raw:
    """Return the numbers of a picture file. Raises PictureError or another exception if it cannot be decoded."""
    with open_within_limits(data, source) as image:
        header = _header_of(image, data)
        image.load()
        values = np.asarray(image)
        if header.kind == "deep":
            return Raw(header, values, highest_of(image, values, source))
        if image.mode in ("LA", "RGBA"):
            return Raw(header, values[:, :, :-1], last_band=values[:, :, -1] if header.banded else None)
        return Raw(header, values)


def _header_of(image: Image.Image, data: bytes) -> RawHeader:
    kind: Kind = "other"
    if image.mode == "F":
        kind = "float"
    elif image.mode.startswith("I"):
        kind = "deep"
    elif image.mode in ("L", "LA", "RGB", "RGBA") and image.format not in JPEGS:
        kind = "bytes"
    tiff = image.format == "TIFF"
    paged = tiff and bool(getattr(image, "is_animated", False))
    banded = tiff and image.mode in ("LA", "RGBA")
    return RawHeader(kind, image.width * image.height, banded, kind == "bytes" and _is_cut(image, data), paged)


def _is_cut(image: Image.Image, data: bytes) -> bool:
    """Return whether a PNG or TIFF has more than 8 bits per channel of a mode that has 8."""
    if image.format == "PNG":
        return len(data) > 24 and data[24] > 8
    return int(np.max(getattr(image, "tag_v2", {}).get(258, (8,)))) > 8

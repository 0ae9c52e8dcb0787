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
class Raw:
    """The numbers of a picture file.

    Attributes:
        kind: `deep` for grey integers of more than 8 bits, `float`, `bytes` for 8 bits per channel, `other` for JPEGs,
            palettes and single bits, whose numbers say nothing.
        values: The numbers of the colours, [height, width] or [height, width, channels].
        highest: The highest value that the type can have.
        last_band: What a TIFF has after its colours, uint8 [height, width]; it is marked as alpha. Else None.
        cut: Whether the file has 16 bits per channel, of which only the upper 8 can be read.
    """

    kind: Kind
    values: np.ndarray
    highest: int = 255
    last_band: np.ndarray | None = None
    cut: bool = False


def read_raw(data: bytes, source: str = "picture") -> Raw:
    """Return the numbers of a picture file. Raises PictureError or another exception if it cannot be decoded."""
    with open_within_limits(data, source) as image:
        if image.format in JPEGS or (image.mode not in ("L", "LA", "RGB", "RGBA", "F") and image.mode[0] != "I"):
            return Raw("other", np.zeros(0, np.uint8))
        cut = _is_cut(image, data)
        image.load()
        values = np.asarray(image)
        if image.mode == "F":
            return Raw("float", values)
        if image.mode.startswith("I"):
            return Raw("deep", values, highest_of(image, values, source))
        if image.mode in ("LA", "RGBA"):
            is_tiff = image.format == "TIFF"
            return Raw("bytes", values[:, :, :-1], last_band=values[:, :, -1] if is_tiff else None, cut=cut)
        return Raw("bytes", values, cut=cut)


def _is_cut(image: Image.Image, data: bytes) -> bool:
    """Return whether a PNG or TIFF has more than 8 bits per channel of a mode that has 8."""
    if image.format == "PNG":
        return len(data) > 24 and data[24] > 8 and image.mode in ("L", "LA", "RGB", "RGBA")
    bits = getattr(image, "tag_v2", {}).get(258, (8,))
    return image.mode in ("LA", "RGB", "RGBA") and int(np.max(bits)) > 8

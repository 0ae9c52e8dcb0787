"""Read the structure of JPEG files: count their scans, and measure how much of a damaged one is missing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageChops

JPEGS = ("JPEG", "MPO")
"""Pillow's names for JPEG files; an MPO is a JPEG followed by more pictures, as some cameras write."""

END = b"\xff\xd9"
_SCAN, _END = 0xDA, 0xD9
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKER = re.compile(rb"\xff+([^\x00\x01\xd0-\xd8\xff])")
"""The start of a segment. In a scan, FF comes only before 00 and restarts; 01 and D8 have no length after them."""

_ALL = (1 << 64) - 1
"""Bits for the 64 coefficients of a block."""


class Segment(NamedTuple):
    """A segment of a JPEG: its marker, where that begins, and the bytes after its length."""

    marker: int
    start: int
    content: bytes


def segments(data: bytes) -> Iterator[Segment]:
    """Yield the segments up to the end of the picture; bytes in other segments or after the end do not count."""
    place = 2
    while marker := _MARKER.search(data, place):
        place = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        yield Segment(marker[1][0], marker.start(), data[marker.end() + 2 : place])
        if marker[1][0] == _END:
            return


def count_scans(data: bytes, limit: int) -> int:
    """Count the scans of a JPEG, up to one more than `limit`."""
    if data.count(b"\xff\xda") <= 1:
        return 1
    scans = 0
    for segment in segments(data):
        scans += segment.marker == _SCAN
        if scans > limit:
            break
    return scans


def ends_in_grey(image: Image.Image) -> bool:
    """Return whether the last pixels of a decoded JPEG, mode L or RGB, look like a block without data.

    libjpeg fills what is missing with 128, and does not report it.
    """
    width, height = image.size
    grey = 128 if image.mode == "L" else (128, 128, 128)
    if image.mode not in ("L", "RGB") or image.getpixel((width - 1, height - 1)) != grey:
        return False
    corner = image.crop((width - (width - 1) % 8 - 1, height - (height - 1) % 8 - 1, width, height))
    return bool((np.array(corner.getextrema()) == 128).all())


def completed(data: bytes, opened: Callable[[bytes], Image.Image]) -> tuple[Image.Image, float] | None:
    """Decode a JPEG whose data ends early, and return it with the share of its pixels, 0..1, that are missing.

    `opened` opens the bytes of a file. The missing pixels are those that change when other data is put where the file's
    own data ends: from the first one on, in rows of blocks. Returns None if a progressive file lacks scans, and if it
    cannot be decoded at all.
    """
    end, has_all = _end_of_scans(data)
    if not has_all:
        return None
    scanned = data[:end].rstrip(b"\xff")  # half a marker
    try:
        image = opened(scanned + END)
        image.load()
        with opened(scanned + _OTHER + END) as other:
            other.load()
            return image, _share_from_first_change(image, other)
    except Exception:  # Pillow's decoders raise nearly anything on damaged input
        return None


_OTHER = bytes(np.random.default_rng(0).integers(0, 255, 4096, np.uint8))
"""Data that is decoded to noise; it contains no marker."""


def _share_from_first_change(image: Image.Image, other: Image.Image) -> float:
    changes = ImageChops.difference(image, other)
    box = changes.getbbox()
    if box is None:
        return 0.0
    width, height = image.size
    rows = min(_block_rows(image), height - box[1])
    band = changes.crop((0, box[1], width, box[1] + rows)).getbbox()
    before = (band[0] if band else 0) * rows
    return ((height - box[1]) * width - before) / (width * height)


def _block_rows(image: Image.Image) -> int:
    """Return how many rows of pixels are stored together: 8, or 16 where colours have half the rows."""
    components = getattr(image, "layer", [])
    return 8 * max((component[2] for component in components), default=1) if len(components) > 1 else 8


def _end_of_scans(data: bytes) -> tuple[int, bool]:
    """Return where the data of the last scan ends, and whether the scans have all coefficients of all components."""
    end, scanning = len(data), False
    present: dict[int, int] = {}
    for marker, start, content in segments(data):
        if scanning:
            end = start
        scanning = marker == _SCAN
        if scanning:
            end = len(data)
            _note_scan(present, content)
        elif marker in _FRAMES and len(content) > 6 and not present:
            present = dict.fromkeys(content[6 : 6 + 3 * content[5] : 3], 0)
    return end, bool(present) and all(bits == _ALL for bits in present.values())


def _note_scan(present: dict[int, int], content: bytes) -> None:
    """Note which coefficients a scan completes, by the content of its header: those with no more bits to come."""
    count = content[0] if content else 0
    last = content[1 + 2 * count : 4 + 2 * count]
    if len(last) < 3 or last[2] & 15 or last[1] > 63:
        return
    bits = (_ALL >> (63 - last[1])) & ~((1 << last[0]) - 1)
    for component in content[1 : 1 + 2 * count : 2]:
        if component in present:
            present[component] |= bits

"""Find the range of the numbers in picture files, where their type does not say it: one range for a whole collection.

Files of 16 bits often use 10 or 12 of them, masks have 8 bits and the values 0 and 1, and a fourth band may be near
infrared. A collection of JPEG files is recognised by the first bytes of a few files and costs nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeVar

import numpy as np

from tellapart.data.collection import Collection, EncodedPictures
from tellapart.images.raw import Raw, RawHeader, read_raw, read_raw_header
from tellapart.images.samples import DEEPEST, PLAIN, Range, Samples

FEW = 12
"""Evenly spaced pictures that are read to see whether the collection has numbers of an unclear range."""

MANY, MOST_PIXELS = 256, 2**26
"""Evenly spaced pictures that are read to find the range, with at most this number of pixels together."""

MOST_COUNTED = 2**21
"""Samples of a picture that are counted, at regular distances."""

ENOUGH = 6
"""With fewer pictures, small numbers of 8 bits do not show that the range is small."""

ENDS = (255, 1023, 4095, 10_000, 16_383, 32_767)
"""Highest values of common ranges in 16 bits: 8, 10 and 12 bits, reflectance, 14 and 15 bits."""

RARE = 1e-5
"""The share of samples beyond the range that are taken for defects, such as hot pixels."""

DARK_GREY, DARK_COLOUR = 63, 31
"""Highest values of 8-bit pictures that are taken for a small range: of 6 and 5 bits, or numbers of classes."""

CLASSES = 32
"""Up to this highest value it is the range itself, as of masks and of digits with values from 0 to 16."""

OPAQUE = 0.5
"""In alpha, at least this share of a picture is completely transparent or opaque."""


Read = TypeVar("Read")


@dataclass(frozen=True)
class _Found:
    """What was found: the samples, and sentences about what is odd."""

    samples: Samples = PLAIN
    notes: tuple[str, ...] = ()


def with_value_range(collection: Collection) -> Collection:
    """Return the collection with the range of values of its picture files, and what was inferred, if anything was.

    Collections of arrays are returned unchanged: their formats know the range.
    """
    pictures = collection.pictures
    if not isinstance(pictures, EncodedPictures):
        return collection
    places = [i for i in _spaced(len(pictures), FEW) if not _is_jpeg(pictures, i)]
    few = list(_each(pictures, places, read_raw_header))
    if all(header.kind == "other" for header in few):
        return collection
    found = _range_of(pictures, few, jpegs=len(places) < min(FEW, len(pictures)))
    band, band_notes = _last_band(_raws(pictures, places)) if any(header.banded for header in few) else ("alpha", ())
    samples = replace(found.samples, last_band=band)
    inferred = collection.inferred
    if samples.values is not None:
        inferred += ("values: {:,g} to {:,g} scaled to 0 to 255".format(*samples.values),)
    return replace(
        collection,
        pictures=replace(pictures, samples=samples),
        value_range=samples.values,
        inferred=inferred,
        notes=(*collection.notes, *found.notes, *band_notes),
    )


def _spaced(count: int, most: int) -> list[int]:
    places: list[int] = np.unique(np.linspace(0, count - 1, most).astype(int)).tolist()
    return places


def _is_jpeg(pictures: EncodedPictures, i: int) -> bool:
    """Return whether file i is a JPEG; also true for one that cannot be read, which is reported elsewhere."""
    try:
        start = pictures.start(i, 3) if pictures.start is not None else pictures.bytes_of(i)[:3]
    except Exception:  # of a file or an archive that is missing or damaged
        return True
    return start.startswith(b"\xff\xd8")


def _each(pictures: EncodedPictures, places: Sequence[int], read: Callable[[bytes, str], Read]) -> Iterator[Read]:
    """Yield what a function reads of those pictures that can be read."""
    for i in places:
        found = None
        with suppress(Exception):  # Pillow's decoders raise nearly anything; it is reported when all are read
            found = read(pictures.bytes_of(i), pictures.describe(i))
        if found is not None:
            yield found


def _raws(pictures: EncodedPictures, places: Sequence[int]) -> Iterator[Raw]:
    return _each(pictures, places, read_raw)


def _range_of(pictures: EncodedPictures, few: Sequence[RawHeader], jpegs: bool) -> _Found:
    """Return the range of a collection; `jpegs` is whether some of its pictures are JPEGs."""
    kinds = [header.kind for header in few]
    mixed = jpegs or len(set(kinds)) > 1
    pixels = max(1, int(np.median([header.pixels for header in few])))
    more = _raws(pictures, _spaced(len(pictures), min(MANY, max(FEW, MOST_PIXELS // pixels))))
    if "deep" in kinds:
        return _of_deep(more, mixed)
    if kinds.count("float") > len(kinds) / 2 and not jpegs:
        return _of_floats(more)
    return _Found() if mixed else _of_bytes(more)


def _of_deep(raws: Iterable[Raw], mixed: bool) -> _Found:
    """Return the range of integers of more than 8 bits."""
    counts, highest = np.zeros(DEEPEST + 1, np.int64), 0
    for raw in raws:
        if raw.header.kind == "deep":
            some = raw.values.ravel()[:: max(1, raw.values.size // MOST_COUNTED)]
            counts += np.bincount(np.clip(some, 0, DEEPEST), minlength=DEEPEST + 1)
            highest = max(highest, raw.highest)
    notes = ["some pictures have 8 bits per channel and others more; each kind is scaled by its own range"] * mixed
    if not counts[1:].any():
        return _Found(notes=tuple(notes))
    beyond = np.cumsum(counts[::-1])[::-1] > RARE * counts.sum()
    below = np.cumsum(counts) > RARE * counts.sum()
    low, top, most = int(below.argmax()), int(np.flatnonzero(beyond)[-1]), int(np.flatnonzero(counts)[-1])
    limits = _limits(low, top, highest, mixed)
    if limits is None:
        return _Found(notes=tuple(notes))
    if limits[0] > 0:
        notes.append(f"the values of the pictures are all between {low:,} and {top:,}, which become black and white")
    if most > limits[1]:
        above, of = int(counts[int(limits[1]) + 1 :].sum()), int(counts.sum())
        notes.append(f"{above:,} of {of:,} sampled values are above {limits[1]:,g} (up to {most:,}); they become white")
    return _Found(Samples(limits), tuple(notes))


def _limits(low: int, top: int, highest: int, mixed: bool) -> Range | None:
    """Return the range of integers of more than 8 bits between two values; None if they use the range of the type."""
    if low > 0.75 * top:  # an offset, as of signed numbers that were stored as unsigned ones
        return (low, top) if top > low else None
    if top <= CLASSES:
        return None if mixed else (0, max(1, top))
    end = next((end for end in ENDS if end >= top), highest)
    return None if end >= highest // 2 else (0, end)


def _of_floats(raws: Iterable[Raw]) -> _Found:
    """Return 0 to 1 or 0 to 255 for floating-point samples that clearly have this range."""
    ends = [(raw.values.min(), raw.values.max()) for raw in raws if raw.header.kind == "float"]
    low, high = min((end[0] for end in ends), default=0), max((end[1] for end in ends), default=0)
    if low >= 0 and 0.5 < high <= 1 and high - low > 0.25:  # NaN is none of this
        return _Found(Samples((0, 1)))
    if low >= 0 and 100 < high <= 255 and high - low > 50:
        return _Found(Samples((0, 255)))
    return _Found()


def _of_bytes(raws: Iterable[Raw]) -> _Found:
    """Return the range of 8-bit pictures that use a small part of it. The first one with other values ends this."""
    least, most, seen, cut = 255, 0, 0, False
    for raw in raws:
        least, most = min(least, int(raw.values.min(initial=255))), max(most, int(raw.values.max(initial=0)))
        seen, cut = seen + 1, cut or raw.header.cut
        if most > (DARK_GREY if raw.values.ndim == 2 else DARK_COLOUR):
            return _Found()
    if most <= least or seen < ENOUGH:
        return _Found()
    what = "the pictures have 16 bits per channel, of which only the upper 8 can be read: few levels are left"
    return _Found(Samples((0, most if most <= CLASSES else DARK_GREY)), (what,) if cut else ())


def _last_band(raws: Iterable[Raw]) -> tuple[Literal["alpha", "data"], tuple[str, ...]]:
    """Return what the TIFF files have after their colours, and what to say about it."""
    found = [(raw.last_band, raw.values.shape[2]) for raw in raws if raw.last_band is not None]
    bands = [band for band, _ in found]
    if not bands:
        return "alpha", ()
    extreme = [float(((band == 0) | (band == 255)).mean()) for band in bands]
    levels = [len(np.unique(band)) for band in bands]
    if np.median(extreme) >= OPAQUE or np.median(levels) <= 16:
        return "alpha", ()
    which = "fourth" if any(colours == 3 for _, colours in found) else "second"
    note = f"the {which} band of the TIFF pictures is marked as alpha but varies like a picture; it is left out"
    return "data", (note,)

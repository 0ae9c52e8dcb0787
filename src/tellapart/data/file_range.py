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

from tellapart.data.array_range import DARK, DEEP, few_levels, infer_range, scaled_line
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.errors import DataError
from tellapart.images.raw import Raw, RawHeader, read_raw, read_raw_header
from tellapart.images.samples import DEEPEST, FEW_LEVELS, PLAIN, Range, Samples

FEW = 12
"""Evenly spaced pictures that are read to see whether the collection has numbers of an unclear range."""

MANY, MOST_PIXELS = 256, 2**26
"""Evenly spaced pictures that are read to find the range, with at most this number of pixels together."""

MOST_COUNTED, MOST_FLOATS = 2**21, 2**24
"""Samples of a picture that are counted, and floating-point samples of all pictures, at regular distances."""

ENOUGH = 6
"""With fewer pictures, small numbers of 8 bits do not show that the range is small."""

ENDS = (255, *DEEP)
"""Highest values of common ranges in 16 bits: 8 bits, and those of arrays."""

RARE = 1e-5
"""The share of samples beyond the range that are taken for defects, such as hot pixels."""

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
    if any(header.paged for header in few):
        inferred += ("pictures: the first page of TIFF files with several",)
    if samples.values is not None:
        inferred += (scaled_line(*samples.values),)
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
    low, top, most = _ends(counts)
    limits = _limits(low, top, highest, mixed)
    if limits is None:
        return _Found(notes=tuple(notes))
    if limits[0] > 0:
        notes.append(f"the values of the pictures are all between {low:,} and {top:,}, which become black and white")
    if most > limits[1]:
        above, of = int(counts[int(limits[1]) + 1 :].sum()), int(counts.sum())
        notes.append(f"{above:,} of {of:,} sampled values are above {limits[1]:,g} (up to {most:,}); they become white")
    return _Found(Samples(limits), tuple(notes))


def _ends(counts: np.ndarray) -> tuple[int, int, int]:
    """Return the lowest and highest value that are not rare, and the highest of all, from the counts of each value.

    Where nearly all values are tiny beside the highest, those above are taken for defects, as in arrays.
    """
    up = np.cumsum(counts)
    low, most = int((up > RARE * up[-1]).argmax()), int(np.flatnonzero(counts)[-1])
    top = int((up >= (1 - RARE) * up[-1]).argmax())
    usual = int((up >= 0.999 * up[-1]).argmax())
    return low, usual if ENDS[0] < usual <= DARK * _end(top, most) else top, most


def _end(top: int, highest: int) -> int:
    return next((end for end in ENDS if end >= top), highest)


def _limits(low: int, top: int, highest: int, mixed: bool) -> Range | None:
    """Return the range of integers of more than 8 bits between two values; None if they use the range of the type."""
    if low > 0.75 * top:  # an offset, as of signed numbers that were stored as unsigned ones
        return (low, top) if top > low else None
    if few_levels(top) is not None:
        return None if mixed else (0, float(few_levels(top) or 1))
    end = _end(top, highest)
    return None if end >= highest // 2 else (0, end)


def _of_floats(raws: Iterable[Raw]) -> _Found:
    """Return the range of floating-point samples, as arrays have it; none where it is not clear."""
    finite = [raw.values for raw in raws if raw.header.kind == "float" and np.isfinite(raw.values).all()]
    if not finite:
        return _Found()
    step = sum(values.size for values in finite) // MOST_FLOATS + 1
    some = np.concatenate([values.ravel()[::step] for values in finite])
    try:
        found = infer_range({"": some.reshape(1, -1, 1, 1)})
    except DataError:  # reported when a picture is read
        return _Found()
    return _Found(Samples((found.low, found.high)), (found.note,) if found.note else ())


def _of_bytes(raws: Iterable[Raw]) -> _Found:
    """Return the range of 8-bit pictures with few levels. The first one with other values ends this."""
    least, most, seen, cut = 255, 0, 0, False
    for raw in raws:
        least, most = min(least, int(raw.values.min(initial=255))), max(most, int(raw.values.max(initial=0)))
        seen, cut = seen + 1, cut or raw.header.cut
        if most > FEW_LEVELS[-1]:
            return _Found()
    high = few_levels(most)
    if high is None or most <= least or seen < ENOUGH:
        return _Found()
    what = "the pictures have 16 bits per channel, of which only the upper 8 can be read: few levels are left"
    return _Found(Samples((0, high)), (what,) if cut else ())


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

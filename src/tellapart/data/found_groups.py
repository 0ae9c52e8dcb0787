"""Find pictures that belong together (bursts, films, subjects): by names, times or order, and by how alike they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tellapart.data import datasets
from tellapart.data.collection import HEAD_BYTES, Collection, EncodedPictures
from tellapart.data.feeding import Prepared, rows_for
from tellapart.data.found_names import Pattern, groups_by, is_useful, patterns, times
from tellapart.data.found_order import OrderSearch
from tellapart.data.likeness import (
    MODERATE,
    SIDE,
    STRONG,
    Likeness,
    across_classes,
    likeness,
    sample_groups,
    sketch,
    unit_fields,
)
from tellapart.errors import UsageError
from tellapart.images.taken import taken
from tellapart.parallel import each
from tellapart.text import counted, percent

ORDER, TIME = "order", "time"
"""What `--group` takes besides columns and expressions."""

GAP = 60
"""Pictures of one camera belong together if each was taken at most this number of seconds after the one before."""

SEARCHED = 100_000
"""Pictures, successive ones, among which groups are searched in a larger collection."""

SAMPLE = 64
"""Files that are read to decide whether files have EXIF times."""

ENOUGH = 3
"""Groups of a class that can be divided among training, validation and test."""

_BECAUSE = {ORDER: "their order", TIME: "the times they were taken"}


@dataclass(frozen=True, eq=False)
class FoundGroups:
    """Groups of the pictures of a collection: their numbers int64 [n], and the evidence for them.

    `by` is what `--group` takes to make the same groups: a regular expression, `time` or `order`.
    """

    groups: np.ndarray
    by: str
    evidence: Likeness

    @property
    def is_strong(self) -> bool:
        """Whether the pictures of a group are so alike that they must stay in one split."""
        return self.evidence.lift >= STRONG

    @property
    def because(self) -> str:
        """What the groups were found by, in words."""
        return _BECAUSE.get(self.by, "their file names")

    @property
    def reason(self) -> str:
        """The evidence in words."""
        hits, expected = (percent(value / self.evidence.count, digits=0) for value in self._rates)
        return f"for {hits} of pictures the most similar one is of their group; by chance it would be for {expected}"

    @property
    def _rates(self) -> tuple[float, float]:
        return float(self.evidence.hits), self.evidence.expected

    def can_split(self, collection: Collection) -> bool:
        """Return whether most pictures are of classes with enough groups for three splits."""
        classes = len(collection.class_names)
        pairs = np.unique(self.groups * classes + collection.labels) % classes
        enough = np.bincount(pairs, minlength=classes) >= ENOUGH
        return bool(enough[collection.labels].mean() > 0.5)


def find_groups(collection: Collection, data: Prepared) -> FoundGroups | None:
    """Return the groups for which there is at least moderate evidence, or None.

    `data` are the prepared pictures of the collection that can be read. Groups are suggested by file names, by the
    times of pictures and by their order. They count if the most similar picture of a picture is of its group far more
    often than by chance. A data set that is known by its name is published in splits that are compared everywhere, and
    is left as it is.
    """
    if collection.source in datasets.names() or min(data.pixels.shape[1:3]) < SIDE:
        return None
    if len(data) <= SEARCHED:
        return _Search(collection, data).found()
    found = _Search(collection, data.take(np.arange(SEARCHED) + (len(data) - SEARCHED) // 2)).found()
    return None if found is None else replace(found, groups=_of_all(collection, data, found.by))


def _of_all(collection: Collection, data: Prepared, by: str) -> np.ndarray:
    """Return the groups int64 [n] of a whole collection, by what was found in some of its pictures."""
    if by == ORDER:
        return groups_by_order(collection, data).groups
    groups = groups_by_time(collection) if by == TIME else groups_by(by, collection.keys)
    return np.arange(len(collection)) if groups is None else groups


def groups_by_order(collection: Collection, data: Prepared) -> FoundGroups:
    """Return groups of pictures that follow each other and are alike, such as the frames of a film.

    Raises UsageError if the pictures are too small to be compared.
    """
    height, width = data.pixels.shape[1:3]
    if min(height, width) < SIDE:
        raise UsageError(f"--group order: pictures of {width} x {height} pixels", f"sides of {SIDE} or more", "")
    search = _Search(collection, data)
    evidence, pairs = search.order.evidence()
    return search.whole(search.order.groups(pairs), ORDER, evidence)


def groups_by_time(collection: Collection) -> np.ndarray | None:
    """Return groups int64 [n] of pictures that one camera took in quick succession; None without times.

    The times are those in the EXIF data or else in the file names. A picture without a time is a group of its own.
    """
    files = collection.pictures
    if not isinstance(files, EncodedPictures):
        return None
    some = list(range(0, len(collection), max(1, len(collection) // SAMPLE)))
    if 2 * sum(when is not None for when in _taken(files, some)) > len(some):
        whens = list(_taken(files, range(len(collection))))
        cameras = np.unique([when[1] if when else "" for when in whens], return_inverse=True)[1]
        return _bursts(np.array([when[0] if when else 0 for when in whens], np.int64), cameras)
    seconds = times(collection.keys)
    return _bursts(seconds, np.zeros(len(seconds), np.int64)) if 2 * (seconds > 0).sum() > len(seconds) else None


def _taken(files: EncodedPictures, places: Sequence[int]) -> Iterator[tuple[int, str] | None]:
    def of(i: int) -> tuple[int, str] | None:
        try:
            return taken(files.bytes_of(i) if files.start is None else files.start(i, HEAD_BYTES))
        except Exception:  # missing or unreadable; preparing the pictures reports it
            return None

    return each(of, places)


def _bursts(seconds: np.ndarray, cameras: np.ndarray) -> np.ndarray:
    """Return groups int64 [n]: a gap of more than GAP seconds ends one. 0 seconds stands for an unknown time."""
    order = np.lexsort((seconds, cameras))
    gaps = (np.diff(seconds[order]) > GAP) | (np.diff(cameras[order]) != 0) | (seconds[order][1:] == 0)
    groups = np.empty(len(seconds), np.int64)
    groups[order] = np.concatenate([[0], np.cumsum(gaps)])
    return groups


class _Search:
    """The search for groups among prepared pictures; all arrays are about those, not the whole collection."""

    def __init__(self, collection: Collection, data: Prepared) -> None:
        self.collection, self.data = collection, data
        self.labels = data.labels
        self.keys = [collection.keys[i] for i in data.indices.tolist()]
        self.has_names = isinstance(collection.pictures, EncodedPictures)

    @cached_property
    def order(self) -> OrderSearch:
        """The search by order."""
        return OrderSearch(list(self._runs()), self.labels, self.sketches)

    def found(self) -> FoundGroups | None:
        """Return the best evidence: strong one by names or times first, then by order, then moderate one."""
        candidates = [self._judged(pattern) for pattern in self._suggested()]
        best = self._coarsest([one for one in candidates if one[1].lift >= STRONG])
        if best is None:
            evidence, pairs = self.order.evidence()
            best = max(candidates, key=lambda one: one[1].lift, default=None)
            if evidence.lift >= MODERATE and (best is None or best[1].lift < evidence.lift):
                best = Pattern(ORDER, self.order.groups(pairs)), evidence
        if best is None or best[1].lift < MODERATE:
            return None
        return self.whole(best[0].groups, best[0].expression, best[1])

    def whole(self, groups: np.ndarray, by: str, evidence: Likeness) -> FoundGroups:
        """Return groups for the whole collection; a picture that cannot be read is a group of its own."""
        everything = np.arange(len(self.collection)) + groups.max(initial=0) + 1
        everything[self.data.indices] = groups
        return FoundGroups(everything, by, evidence)

    def sketches(self, places: np.ndarray) -> np.ndarray:
        """Return the sketches float32 [n, values] of pictures int64 [n]."""
        pixels, step = self.data.pixels, rows_for(self.data.pixels.shape[1:])
        if self.data.grid is not None and not any(side % SIDE for side in pixels.shape[1:3]):
            return unit_fields(self.data.grid[places])  # the same fields, in another order
        return np.concatenate([sketch(pixels[places[at : at + step]]) for at in range(0, len(places), step)])

    def _suggested(self) -> Iterator[Pattern]:
        if not self.has_names:
            return
        yield from patterns(self.keys, self.labels)
        bursts = groups_by_time(self.collection)
        if bursts is not None and is_useful(bursts[self.data.indices], self.labels):
            yield Pattern(TIME, bursts[self.data.indices])

    def _judged(self, pattern: Pattern) -> tuple[Pattern, Likeness]:
        """Return the evidence for groups, in a sample: within classes or, for subjects in many classes, across them."""
        return pattern, max(self._evidence(pattern.groups), key=lambda one: one.lift)

    def _evidence(self, groups: np.ndarray, within: np.ndarray | None = None) -> tuple[Likeness, Likeness]:
        chosen = sample_groups(self.labels, groups, np.random.default_rng(0))
        sketches, labels, some = self.sketches(chosen), self.labels[chosen], groups[chosen]
        finer = None if within is None else within[chosen]
        return likeness(sketches, labels, some, finer), across_classes(sketches, labels, some)

    def _coarsest(self, strong: list[tuple[Pattern, Likeness]]) -> tuple[Pattern, Likeness] | None:
        """Return the finest groups, or coarser ones that mean more: a subject rather than each of its films."""
        ordered = sorted(strong, key=lambda one: -int(one[0].groups.max()))
        best = ordered[0] if ordered else None
        for one in ordered[1:]:
            assert best is not None
            if max(further.lift for further in self._evidence(one[0].groups, best[0].groups)) >= MODERATE:
                best = one
        return best

    def _runs(self) -> Iterator[np.ndarray]:
        """Yield the pictures of each split and class in their order: that of the numbers in their names."""
        splits = self.collection.splits
        parts = np.zeros(len(self.labels), np.int64)
        if splits is not None:
            parts = np.unique(splits[self.data.indices], return_inverse=True)[1]
        order = np.arange(len(self.labels))
        if self.has_names:
            order = np.array(sorted(order.tolist(), key=lambda i: _natural(self.keys[i])), np.int64)
        codes = (parts * len(self.collection.class_names) + self.labels)[order]
        yield from np.split(order[np.argsort(codes, kind="stable")], np.flatnonzero(np.diff(np.sort(codes))) + 1)


def _natural(key: str) -> list[tuple[int, int | str]]:
    """Return a sort key for which 2 comes before 10."""
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in re.split(r"(\d+)", key)]


def in_words(found: FoundGroups, collection: Collection) -> str:
    """Return the sentence that reports groups which were found."""
    sizes = np.bincount(np.unique(found.groups, return_inverse=True)[1])
    groups, pictures = int((sizes > 1).sum()), int(sizes[sizes > 1].sum())
    return (
        f"groups: {pictures:,} of {counted(len(collection), 'picture')} belong to {counted(groups, 'group')}, found by "
        f"{found.because} ({found.reason}); each group stays in one split; --group none separates them"
    )

"""Pictures that are the same: pixel by pixel, or to the eye - encoded anew, resized, mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from tellapart.images.look import THUMBNAIL, Look, digest, thumbnail
from tellapart.parallel import shared
from tellapart.progress import Listener, Progress, silent
from tellapart.text import counted

SMALLEST = 48
"""Near duplicates are looked for among pictures of at least this side: digits of 28 pixels are often that alike."""

COARSE = 0.97
"""Pairs whose small grey copies correlate at least so much are looked at more closely."""

FINE, DISTANCE = 0.985, 9.0
"""Near duplicates correlate so much in their 32 x 32 colours, which differ by at most so many of 255 levels."""

FLAT = 4.0
"""Below this standard deviation a picture has nothing to compare; only its exact copies count."""

MOST = 150_000
"""Of more pictures only exact copies are looked for: the work grows with their square, to minutes at this number."""

BLOCK = 256
"""Rows of the products of each with each that are looked at together."""

LONG = 10_000
"""Among fewer pictures the search is over before a bar would be of use."""

LOOKS = 5_000_000
"""Pairs that are looked at more closely, at most: where very many pictures share a layout, that would take hours."""

Kind = Literal["exact", "near", "mirrored"]


@dataclass(frozen=True)
class Pair:
    """Two pictures, first < second, by their places in the collection, that show the same."""

    first: int
    second: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Pairs enough to join what belongs together, and the groups that they make: tuples of places, ascending.

    `complete` is false where there were too many pictures, or pairs that look alike, to look for near duplicates among
    all of them; `small` is how many are below SMALLEST, of which only exact copies were looked for.
    """

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[int, ...], ...]
    complete: bool = True
    small: int = 0

    def of(self, *kinds: Kind) -> tuple[tuple[int, ...], ...]:
        """The groups that pairs of these kinds alone make."""
        return _groups([pair for pair in self.pairs if pair.kind in kinds])

    def not_looked_for(self) -> list[str]:
        """In words, what was not; empty where all was."""
        found = []
        if not self.complete:
            found.append("near duplicates: not all looked for, among so many pictures; exact copies were")
        if self.small:
            found.append(
                f"near duplicates: not looked for among {counted(self.small, 'picture')} of less than {SMALLEST} "
                "pixels a side, which are often that alike; exact copies were"
            )
        return found


@dataclass(frozen=True, eq=False)
class Traits:
    """What the pictures of a collection are compared by.

    `digests` uint8 [n, 16] name their very pixels, `sides` int64 [n] are their shorter sides, and
    `thumbnails` uint8 [n, 32, 32, 3] small copies of those whose side is at least SMALLEST; of more than MOST pictures
    there are none, since they would not be compared.
    """

    digests: np.ndarray
    sides: np.ndarray
    thumbnails: np.ndarray

    @classmethod
    def room(cls, count: int) -> Traits:
        """Traits to be filled in with `note`; memory is taken as that happens."""
        thumbnails = shared((count if count <= MOST else 0, THUMBNAIL, THUMBNAIL, 3), np.uint8)
        return cls(shared((count, 16), np.uint8), shared((count,), np.int64), thumbnails)

    @classmethod
    def of(cls, looks: Sequence[Look | None]) -> Traits:
        """Of pictures that were looked at, as far as they were."""
        traits = cls.room(len(looks))
        for k, seen in enumerate(looks):
            if seen is None:
                continue
            traits.digests[k] = np.frombuffer(seen.digest, np.uint8)
            traits.sides[k] = min(seen.shape[:2])
            if len(traits.thumbnails):
                traits.thumbnails[k] = seen.thumbnail
        return traits

    def note(self, k: int, pixels: np.ndarray, side: int, image: Image.Image | None = None) -> None:
        """Fill in picture k, uint8 [height, width, 1 or 3], whose file has this shorter side, or SMALLEST at least.

        `image` is the same picture as Pillow holds it, where that is at hand.
        """
        self.digests[k] = np.frombuffer(digest(pixels), np.uint8)
        self.sides[k] = side
        if side >= SMALLEST and len(self.thumbnails):
            image = image or Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
            self.thumbnails[k] = thumbnail(image)


def find_duplicates(traits: Traits, among: np.ndarray, on_event: Listener = silent) -> Duplicates:
    """Duplicates among some pictures, by their places int64 [n], ascending, in a collection and in its traits.

    Of pictures with the very same pixels only the first is compared with others. In a collection of more than MOST only
    those are looked for, since all the others have to be compared each with each; and no more than LOOKS pairs closely.
    """
    digests = traits.digests[among].view("S16").reshape(-1)
    _, firsts, members = np.unique(digests, return_index=True, return_inverse=True)
    same = firsts[members]
    pairs = [Pair(int(among[k]), int(among[j]), "exact") for j, k in enumerate(same.tolist()) if k < j]
    single = among[np.sort(firsts)]
    large = single[traits.sides[single] >= SMALLEST]
    small = int((traits.sides[among] < SMALLEST).sum())
    if not len(traits.thumbnails):
        return Duplicates(tuple(pairs), _groups(pairs), not len(large), small)
    large = large[_spreads(traits.thumbnails, large) >= FLAT]
    search = _Alike(traits.thumbnails, large)
    pairs += search.pairs(on_event)
    return Duplicates(tuple(pairs), _groups(pairs), search.complete, small)


class _Alike:
    """Which small copies uint8 [n, 32, 32, 3], those at `among`, int64 ascending, show the same.

    It finds as many pairs as it takes to join all that belong together: a thousand frames of a still scene are 999.
    """

    def __init__(self, thumbnails: np.ndarray, among: np.ndarray) -> None:
        self.thumbnails, self.among = thumbnails, among
        self.leader = np.arange(len(among))  # of the pictures that pairs have joined so far, which need no other pair
        self.looks = 0

    @property
    def complete(self) -> bool:
        """Whether the search came to its end."""
        return self.looks < LOOKS

    def pairs(self, on_event: Listener = silent) -> Iterator[Pair]:
        """Those that show the same as they are, then those that join groups of them by a mirror image."""
        starts = range(0, len(self.among), BLOCK)
        sizes = [len(self.among[start : start + BLOCK]) * (len(self.among) - start) for start in starts]
        done, work = 0, 2 * sum(sizes)
        coarse = _directions(self.thumbnails, self.among, 1)
        kinds: tuple[tuple[np.ndarray, Kind, int], ...] = (
            (coarse, "near", 1),
            (_directions(self.thumbnails, self.among, -1), "mirrored", -1),
        )
        for others, kind, way in kinds:
            for start, size in zip(starts, sizes, strict=True):
                hits = coarse[start : start + BLOCK] @ others[start:].T >= COARSE
                for row in np.flatnonzero(hits.any(axis=1)).tolist():
                    yield from (Pair(*found, kind) for found in self._of(start + row, hits[row], way))
                done += size
                if len(self.among) > LONG:
                    on_event(Progress("compare pictures", done if self.complete else work, work, "pairs"))
                if not self.complete:
                    return

    def _of(self, one: int, hits: np.ndarray, way: int) -> Iterator[tuple[int, int]]:
        """The pairs of one picture with those after it among the last `hits`, bool."""
        places = np.flatnonzero(hits) + len(self.among) - len(hits)
        places = places[(places > one) & (self.leader[places] != self.leader[one])]
        self.looks += len(places)
        for start in range(0, len(places), BLOCK):
            some = places[start : start + BLOCK]
            alike = _alike(self.thumbnails[self.among[one]], self.thumbnails[self.among[some]][:, :, ::way])
            for other in some[alike].tolist():
                if self.leader[one] != self.leader[other]:
                    self.leader[self.leader == self.leader[other]] = self.leader[one]
                    yield int(self.among[one]), int(self.among[other])


def _spreads(thumbnails: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Standard deviations, float [len(among)]."""
    pieces = (thumbnails[among[start : start + BLOCK]] for start in range(0, len(among), BLOCK))
    return np.concatenate([piece.std(axis=(1, 2, 3)) for piece in pieces] or [np.empty(0)])


def _alike(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which of some small copies uint8 [n, 32, 32, 3] show the same as one of them: bool [n]."""
    a, b = one.astype(np.float32).ravel(), others.astype(np.float32).reshape(len(others), -1)
    a, b = a - a.mean(), b - b.mean(axis=1, keepdims=True)
    close = np.abs(a - b).mean(axis=1) <= DISTANCE
    lengths = np.linalg.norm(a) * np.linalg.norm(b, axis=1)
    result: np.ndarray = close & (b @ a >= FINE * lengths)
    return result


def _directions(thumbnails: np.ndarray, among: np.ndarray, way: int) -> np.ndarray:
    """Float32 [len(among), 256]: the light of fields of 2 x 2, from the right where `way` is -1.

    Rows have the mean 0 and the length 1, so that products are correlations.
    """
    found = np.empty((len(among), 256), np.float32)
    for start in range(0, len(among), BLOCK):
        light = thumbnails[among[start : start + BLOCK]][:, :, ::way].astype(np.float32).mean(axis=3)
        fields = light.reshape(len(light), 16, 2, 16, 2).mean(axis=(2, 4)).reshape(len(light), -1)
        fields -= fields.mean(axis=1, keepdims=True)
        found[start : start + BLOCK] = fields / np.maximum(np.linalg.norm(fields, axis=1, keepdims=True), 1e-6)
    return found


def _groups(pairs: Sequence[Pair]) -> tuple[tuple[int, ...], ...]:
    """Pictures that pairs connect."""
    leader: dict[int, int] = {}

    def find(i: int) -> int:
        while leader.setdefault(i, i) != i:
            leader[i] = leader[leader[i]]
            i = leader[i]
        return i

    for pair in pairs:
        leader[find(pair.second)] = find(pair.first)
    groups: dict[int, list[int]] = {}
    for i in sorted(leader):
        groups.setdefault(find(i), []).append(i)
    return tuple(sorted(tuple(group) for group in groups.values()))

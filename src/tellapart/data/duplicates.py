"""Pictures that are the same: pixel by pixel, or to the eye - encoded anew, resized, mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from tellapart.images.look import THUMBNAIL, Look, digest, thumbnail
from tellapart.parallel import shared

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

Kind = Literal["exact", "near", "mirrored"]


@dataclass(frozen=True)
class Pair:
    """Two pictures, first < second, by their places in the collection, that show the same."""

    first: int
    second: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class Duplicates:
    """Pairs enough to join what belongs together, and the groups that they make: tuples of places, ascending."""

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[int, ...], ...]

    def of(self, *kinds: Kind) -> tuple[tuple[int, ...], ...]:
        """The groups that pairs of these kinds alone make."""
        return _groups([pair for pair in self.pairs if pair.kind in kinds])


@dataclass(frozen=True, eq=False)
class Traits:
    """What the pictures of a collection are compared by.

    `digests` uint8 [n, 16] name their very pixels, `sides` int64 [n] are their shorter sides, and
    `thumbnails` uint8 [n, 32, 32, 3] small copies of those whose side is at least SMALLEST.
    """

    digests: np.ndarray
    sides: np.ndarray
    thumbnails: np.ndarray

    @classmethod
    def room(cls, count: int) -> Traits:
        """Traits to be filled in with `note`; memory is taken as that happens."""
        thumbnails = shared((count, THUMBNAIL, THUMBNAIL, 3), np.uint8)
        return cls(shared((count, 16), np.uint8), shared((count,), np.int64), thumbnails)

    @classmethod
    def of(cls, looks: Sequence[Look | None]) -> Traits:
        """Of pictures that were looked at, as far as they were."""
        traits = cls.room(len(looks))
        for k, seen in enumerate(looks):
            if seen is None:
                continue
            traits.digests[k] = np.frombuffer(seen.digest, np.uint8)
            traits.sides[k], traits.thumbnails[k] = min(seen.shape[:2]), seen.thumbnail
        return traits

    def note(self, k: int, pixels: np.ndarray, side: int) -> None:
        """Fill in picture k, uint8 [height, width, 1 or 3], whose file has this shorter side, or SMALLEST at least."""
        self.digests[k] = np.frombuffer(digest(pixels), np.uint8)
        self.sides[k] = side
        if side >= SMALLEST:
            self.thumbnails[k] = thumbnail(Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels))


def find_duplicates(traits: Traits, among: np.ndarray) -> Duplicates:
    """Duplicates among some pictures, by their places int64 [n], ascending, in a collection and in its traits.

    Of pictures with the very same pixels only the first is compared with others. Above MOST pictures only those are
    looked for, since all the others have to be compared each with each.
    """
    digests = traits.digests[among].view("S16").reshape(-1)
    _, firsts, members = np.unique(digests, return_index=True, return_inverse=True)
    same = firsts[members]
    pairs = [Pair(int(among[k]), int(among[j]), "exact") for j, k in enumerate(same.tolist()) if k < j]
    single = among[np.sort(firsts)]
    large = single[traits.sides[single] >= SMALLEST]
    large = large[_spreads(traits.thumbnails, large) >= FLAT]
    if 1 < len(large) <= MOST:
        pairs += [Pair(*found) for found in _near(traits.thumbnails, large)]
    return Duplicates(tuple(pairs), _groups(pairs))


def _near(thumbnails: np.ndarray, among: np.ndarray) -> Iterator[tuple[int, int, Kind]]:
    """Pairs of small copies uint8 [n, 32, 32, 3] that show the same, as they are or one of them mirrored.

    Those at `among`, int64 ascending. As many as it takes to join all that belong together: a thousand frames of a
    still scene are 999 pairs.
    """
    coarse, mirrored = _directions(thumbnails, among, 1), _directions(thumbnails, among, -1)
    leader = np.arange(len(among))  # of the pictures that pairs have joined so far, which need no other pair
    kinds: tuple[tuple[np.ndarray, Kind, int], ...] = ((coarse, "near", 1), (mirrored, "mirrored", -1))
    for start in range(0, len(among), BLOCK):
        block = coarse[start : start + BLOCK]
        for others, kind, way in kinds:
            rows, columns = np.nonzero(block @ others[start:].T >= COARSE)
            open_ = (columns > rows) & (leader[rows + start] != leader[columns + start])  # each pair once
            for one, other in zip((rows[open_] + start).tolist(), (columns[open_] + start).tolist(), strict=True):
                if leader[one] != leader[other] and _alike(thumbnails[among[one]], thumbnails[among[other]][:, ::way]):
                    leader[leader == leader[other]] = leader[one]
                    yield int(among[one]), int(among[other]), kind


def _spreads(thumbnails: np.ndarray, among: np.ndarray) -> np.ndarray:
    """Standard deviations, float [len(among)]."""
    pieces = (thumbnails[among[start : start + BLOCK]] for start in range(0, len(among), BLOCK))
    return np.concatenate([piece.std(axis=(1, 2, 3)) for piece in pieces] or [np.empty(0)])


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    a, b = one.astype(np.float32).ravel(), other.astype(np.float32).ravel()
    if np.abs((a - a.mean()) - (b - b.mean())).mean() > DISTANCE:
        return False
    return float(np.corrcoef(a, b)[0, 1]) >= FINE


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

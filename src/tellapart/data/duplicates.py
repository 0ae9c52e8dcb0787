"""Pictures that are the same: pixel by pixel, or to the eye - encoded anew, resized, mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tellapart.images.look import Look

SMALLEST = 48
"""Near duplicates are looked for among pictures of at least this side: digits of 28 pixels are often that alike."""

COARSE = 0.97
"""Pairs whose small grey copies correlate at least so much are looked at more closely."""

FINE, DISTANCE = 0.985, 9.0
"""Near duplicates correlate so much in their 32 x 32 colours, which differ by at most so many of 255 levels."""

FLAT = 4.0
"""Below this standard deviation a picture has nothing to compare; only its exact copies count."""

BLOCK = 1024

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


def find_duplicates(places: np.ndarray, looks: Sequence[Look]) -> Duplicates:
    """Duplicates among pictures that were looked at; `places` int64 [n] are theirs in the collection.

    Of pictures with the very same pixels only the first is compared with others.
    """
    firsts: dict[bytes, int] = {}
    pairs: list[Pair] = []
    single: list[int] = []
    for k, seen in enumerate(looks):
        if seen.digest in firsts:
            pairs.append(Pair(int(places[firsts[seen.digest]]), int(places[k]), "exact"))
        else:
            firsts[seen.digest] = k
            single.append(k)
    large = [k for k in single if min(looks[k].shape[:2]) >= SMALLEST and looks[k].spread >= FLAT]
    if len(large) > 1:
        thumbnails = np.stack([looks[k].thumbnail for k in large])
        for one, other, kind in _near(thumbnails):
            first, second = sorted((int(places[large[one]]), int(places[large[other]])))
            pairs.append(Pair(first, second, kind))
    return Duplicates(tuple(pairs), _groups(pairs))


def _near(thumbnails: np.ndarray) -> Iterator[tuple[int, int, Kind]]:
    """Pairs of small copies uint8 [n, 32, 32, 3] that show the same, as they are or one of them mirrored.

    As many as it takes to join all that belong together: a thousand frames of a still scene are 999 pairs.
    """
    turned = thumbnails[:, :, ::-1]
    coarse, mirrored = _directions(_grey(thumbnails)), _directions(_grey(turned))
    leader = np.arange(len(thumbnails))  # of the pictures that pairs have joined so far, which need no other pair
    for start in range(0, len(thumbnails), BLOCK):
        block = coarse[start : start + BLOCK]
        for others, kind, copies in ((coarse, "near", thumbnails), (mirrored, "mirrored", turned)):
            likeness = block @ others[start:].T  # each pair once: with itself and those that follow
            for row in range(len(block)):
                one = start + row
                for other in (np.flatnonzero(likeness[row, row + 1 :] >= COARSE) + one + 1).tolist():
                    if leader[one] != leader[other] and _alike(thumbnails[one], copies[other]):
                        leader[leader == leader[other]] = leader[one]
                        yield one, other, kind  # type: ignore[misc]  # the two words above


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    a, b = one.astype(np.float32).ravel(), other.astype(np.float32).ravel()
    if np.abs((a - a.mean()) - (b - b.mean())).mean() > DISTANCE:
        return False
    return float(np.corrcoef(a, b)[0, 1]) >= FINE


def _grey(thumbnails: np.ndarray) -> np.ndarray:
    """Float32 [n, 256]: mean light of fields of 2 x 2."""
    light = thumbnails.astype(np.float32).mean(axis=3)
    return light.reshape(len(light), 16, 2, 16, 2).mean(axis=(2, 4)).reshape(len(light), -1)


def _directions(values: np.ndarray) -> np.ndarray:
    """Rows of mean 0 and length 1, whose products are correlations."""
    centred = values - values.mean(axis=1, keepdims=True)
    return centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)


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

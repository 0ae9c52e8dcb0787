"""Find duplicates: pictures with the same pixels, and near-duplicates: re-encoded, resized or mirrored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from tellapart.images.summary import THUMBNAIL, PictureSummary, digest, thumbnail
from tellapart.parallel import shared
from tellapart.progress import Listener, Progress, silent
from tellapart.text import counted

SMALLEST = 48
"""Near-duplicates are searched among pictures with at least this side: different digits of 28 pixels are as similar."""

COARSE = 0.97
"""Pairs whose small grey copies have at least this correlation are compared closely."""

FINE, DISTANCE = 0.985, 9.0
"""Near-duplicates: the least correlation of the 32 x 32 colour copies, and their largest mean difference, of 255."""

FLAT = 4.0
"""Pictures with a smaller standard deviation have too little content to compare; only exact duplicates count."""

MAX_COMPARED = 150_000
"""In larger collections only exact duplicates are searched: the work grows with the square, to minutes at this size."""

FIELDS = THUMBNAIL // 2
"""Fields per side that pictures are first compared by."""

BLOCK = 256
"""Rows of the matrix of all pairs that are computed at once."""

PROGRESS_FROM = 10_000
"""Pictures above which the search takes long enough for a progress bar."""

MAX_CLOSE = 5_000_000
"""Pairs that are compared closely, at most: collections where very many pictures share a layout would take hours."""

Kind = Literal["exact", "near", "mirrored"]


@dataclass(frozen=True)
class Pair:
    """Two duplicates, first < second, by their positions in the collection."""

    first: int
    second: int
    kind: Kind


@dataclass(frozen=True, eq=False)
class Duplicates:
    """The duplicates of a collection.

    Attributes:
        pairs: Enough pairs to connect all duplicates, not every pair.
        groups: The groups that the pairs connect: tuples of positions, ascending.
        complete: False if there were too many pictures or similar pairs to search all of them for near-duplicates.
        small: Pictures smaller than SMALLEST, which were searched for exact duplicates only.
    """

    pairs: tuple[Pair, ...]
    groups: tuple[tuple[int, ...], ...]
    complete: bool = True
    small: int = 0

    def of(self, *kinds: Kind) -> tuple[tuple[int, ...], ...]:
        """Return the groups that the pairs of these kinds connect."""
        return _groups([pair for pair in self.pairs if pair.kind in kinds])

    def conflicts(self, labels: np.ndarray) -> tuple[tuple[tuple[int, ...], bool], ...]:
        """Return the groups with different labels int64 [n], each with whether all its pictures have the same pixels.

        Exact duplicates come first, then the groups that near-duplicates add to. Mirror images do not count: left and
        right may be what distinguishes the classes.
        """
        found: list[tuple[tuple[int, ...], bool]] = []
        for exact in (True, False):
            reported = {i for group, _ in found for i in group}
            for group in self.of("exact") if exact else self.of("exact", "near"):
                if len({int(labels[i]) for i in group}) > 1 and not reported & set(group):
                    found.append((group, exact))
        return tuple(found)

    def not_looked_for(self) -> list[str]:
        """Return sentences about what was not searched; empty if everything was."""
        sentences = []
        if not self.complete:
            sentences.append("near-duplicates: the collection is too large to search all of it; exact duplicates were")
        if self.small:
            sentences.append(
                f"near-duplicates: not searched among {counted(self.small, 'picture')} smaller than {SMALLEST} pixels, "
                "which are often similar; exact duplicates were"
            )
        return sentences


@dataclass(frozen=True, eq=False)
class Traits:
    """What the pictures of a collection are compared by.

    Attributes:
        digests: uint8 [n, 16], a hash of the pixels.
        sides: int64 [n], the shorter side of each picture.
        thumbnails: uint8 [n, 32, 32, 3], small copies of pictures with a side of SMALLEST or more. Empty for more than
            MAX_COMPARED pictures, which are not compared.
    """

    digests: np.ndarray
    sides: np.ndarray
    thumbnails: np.ndarray

    @classmethod
    def room(cls, count: int) -> Traits:
        """Return empty traits to be filled in with `note`, possibly by several processes."""
        thumbnails = shared((count if count <= MAX_COMPARED else 0, THUMBNAIL, THUMBNAIL, 3), np.uint8)
        return cls(shared((count, 16), np.uint8), shared((count,), np.int64), thumbnails)

    @classmethod
    def of(cls, summaries: Sequence[PictureSummary | None]) -> Traits:
        """Return the traits of pictures with these summaries; None leaves a picture's traits empty."""
        traits = cls.room(len(summaries))
        for k, summary in enumerate(summaries):
            if summary is None:
                continue
            traits.digests[k] = np.frombuffer(summary.digest, np.uint8)
            traits.sides[k] = min(summary.shape[:2])
            if len(traits.thumbnails):
                traits.thumbnails[k] = summary.thumbnail
        return traits

    def note(self, k: int, pixels: np.ndarray, side: int, image: Image.Image | None = None) -> None:
        """Fill in picture k, pixels uint8 [height, width, 1 or 3].

        `side` is the shorter side of its file, or at least SMALLEST. `image` is the same picture as a Pillow image, if
        the caller has it.
        """
        self.digests[k] = np.frombuffer(digest(pixels), np.uint8)
        self.sides[k] = side
        if side >= SMALLEST and len(self.thumbnails):
            image = image or Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
            self.thumbnails[k] = thumbnail(image)


def find_duplicates(traits: Traits, indices: np.ndarray, on_event: Listener = silent) -> Duplicates:
    """Find the duplicates among some pictures of a collection, by their positions int64 [n], ascending.

    Of exact duplicates only the first is compared with other pictures. Collections of more than MAX_COMPARED pictures
    are searched for exact duplicates only, and at most MAX_CLOSE pairs are compared closely.
    """
    digests = traits.digests[indices].view("S16").reshape(-1)
    _, firsts, members = np.unique(digests, return_index=True, return_inverse=True)
    same = firsts[members]
    pairs = [Pair(int(indices[k]), int(indices[j]), "exact") for j, k in enumerate(same.tolist()) if k < j]
    single = indices[np.sort(firsts)]
    large = single[traits.sides[single] >= SMALLEST]
    small = int((traits.sides[indices] < SMALLEST).sum())
    if not len(traits.thumbnails):
        return Duplicates(tuple(pairs), _groups(pairs), not len(large), small)
    large = large[_deviations(traits.thumbnails, large) >= FLAT]
    search = _NearSearch(traits.thumbnails, large)
    pairs += search.pairs(on_event)
    return Duplicates(tuple(pairs), _groups(pairs), search.complete, small)


class _NearSearch:
    """Searches small copies uint8 [n, 32, 32, 3], those at `indices` int64 ascending, for near-duplicates.

    It finds only as many pairs as it takes to connect all duplicates: 999 for a thousand frames of a still scene.
    """

    def __init__(self, thumbnails: np.ndarray, indices: np.ndarray) -> None:
        self.thumbnails, self.indices = thumbnails, indices
        self.leader = np.arange(len(indices))  # equal for pictures that the pairs so far connect
        self.compared = 0

    @property
    def complete(self) -> bool:
        """Whether the search was not stopped at MAX_CLOSE."""
        return self.compared < MAX_CLOSE

    def pairs(self, on_event: Listener = silent) -> Iterator[Pair]:
        """Yield pairs of near-duplicates, then the pairs of mirror images that connect them further."""
        starts = range(0, len(self.indices), BLOCK)
        sizes = [len(self.indices[start : start + BLOCK]) * (len(self.indices) - start) for start in starts]
        done, work = 0, 2 * sum(sizes)
        coarse = _unit_vectors(self.thumbnails, self.indices)
        mirrored = coarse.reshape(-1, FIELDS, FIELDS)[:, :, ::-1].reshape(coarse.shape)
        kinds: tuple[tuple[np.ndarray, Kind, int], ...] = ((coarse, "near", 1), (mirrored, "mirrored", -1))
        for others, kind, step in kinds:
            for start, size in zip(starts, sizes, strict=True):
                hits = coarse[start : start + BLOCK] @ others[start:].T >= COARSE
                for row in np.flatnonzero(hits.any(axis=1)).tolist():
                    yield from (Pair(*pair, kind) for pair in self._pairs_of(start + row, hits[row], step))
                done += size
                if len(self.indices) > PROGRESS_FROM:
                    on_event(Progress("compare pictures", done if self.complete else work, work, "pairs"))
                if not self.complete:
                    return

    def _pairs_of(self, picture: int, hits: np.ndarray, step: int) -> Iterator[tuple[int, int]]:
        """Yield the pairs of a picture with later ones among the last `hits`, bool; `step` is -1 for mirror images."""
        places = np.flatnonzero(hits) + len(self.indices) - len(hits)
        places = places[(places > picture) & (self.leader[places] != self.leader[picture])]
        self.compared += len(places)
        for start in range(0, len(places), BLOCK):
            block = places[start : start + BLOCK]
            thumbnail_ = self.thumbnails[self.indices[picture]]
            similar = _similar(thumbnail_, self.thumbnails[self.indices[block]][:, :, ::step])
            for other in block[similar].tolist():
                if self.leader[picture] != self.leader[other]:
                    self.leader[self.leader == self.leader[other]] = self.leader[picture]
                    yield int(self.indices[picture]), int(self.indices[other])


def _deviations(thumbnails: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the standard deviation of each small copy, float [len(indices)]."""
    pieces = (thumbnails[indices[start : start + BLOCK]] for start in range(0, len(indices), BLOCK))
    return np.concatenate([piece.std(axis=(1, 2, 3)) for piece in pieces] or [np.empty(0)])


def _similar(thumbnail: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return which of some small copies uint8 [n, 32, 32, 3] are near-duplicates of one: bool [n]."""
    a, b = thumbnail.astype(np.float32).ravel(), others.astype(np.float32).reshape(len(others), -1)
    a, b = a - a.mean(), b - b.mean(axis=1, keepdims=True)
    close = np.abs(a - b).mean(axis=1) <= DISTANCE
    lengths = np.linalg.norm(a) * np.linalg.norm(b, axis=1)
    similar: np.ndarray = close & (b @ a >= FINE * lengths)
    return similar


def _unit_vectors(thumbnails: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return float32 [len(indices), FIELDS ** 2]: the sums of 2 x 2 pixels, over all channels.

    Rows have mean 0 and length 1, so that their products are correlations.
    """
    vectors = np.empty((len(indices), FIELDS**2), np.float32)
    for start in range(0, len(indices), BLOCK):
        pixels = thumbnails[indices[start : start + BLOCK]].astype(np.uint16)
        grey = pixels[..., 0] + pixels[..., 1] + pixels[..., 2]
        rows = grey[:, ::2] + grey[:, 1::2]
        fields = (rows[:, :, ::2] + rows[:, :, 1::2]).reshape(len(grey), -1).astype(np.float32)
        fields -= fields.mean(axis=1, keepdims=True)
        vectors[start : start + BLOCK] = fields / np.maximum(np.linalg.norm(fields, axis=1, keepdims=True), 1e-6)
    return vectors


def _groups(pairs: Sequence[Pair]) -> tuple[tuple[int, ...], ...]:
    """Return the groups of pictures that pairs connect, each ascending."""
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

"""Measure whether pictures that may belong together are more alike than other pictures of their class."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIDE = 8
"""Fields per side of a sketch."""

SAMPLED = 4000
"""Pictures that are compared, at most; all pictures of a class are compared with each other."""

CLASSES = 40
"""Classes that are sampled, at most."""

STRONG, MODERATE = 0.5, 0.2
"""The share of pictures, beyond chance, whose most similar picture is of their group: evidence for the groups."""

FEWEST = 20
"""Pictures with others of their group that it takes to judge groups."""


COPY = 0.9995
"""Pictures whose sketches have at least this correlation are copies of each other: they say nothing about bursts."""

Sketcher = Callable[[np.ndarray], np.ndarray]
"""Returns the sketches float32 [n, values] of pictures int64 [n]."""


@dataclass(frozen=True)
class Likeness:
    """How often the most similar picture of the class is of the same group: `hits` of `count`; `expected` by chance."""

    hits: int = 0
    expected: float = 0.0
    count: int = 0

    @property
    def lift(self) -> float:
        """The share of hits beyond chance: 0 for groups that mean nothing, 1 for certain ones."""
        if self.count < FEWEST or self.expected >= self.count:
            return 0.0
        surprise = (self.hits - self.expected) / max(1.0, np.sqrt(self.expected * (1 - self.expected / self.count)))
        return (self.hits - self.expected) / (self.count - self.expected) if surprise > 4 else 0.0  # 4 deviations

    def __add__(self, other: Likeness) -> Likeness:
        return Likeness(self.hits + other.hits, self.expected + other.expected, self.count + other.count)


def sketch(pixels: np.ndarray) -> np.ndarray:
    """Return sketches float32 [n, values] of pictures uint8 [n, height, width, channels] with sides of 8 or more.

    A sketch has the mean of each of 8 x 8 fields, less the mean of all and scaled to length 1: the products of sketches
    are correlations, which do not depend on brightness and contrast.
    """
    rows, columns = (np.arange(SIDE) * side // SIDE for side in pixels.shape[1:3])
    sums = np.add.reduceat(np.add.reduceat(pixels, rows, axis=1, dtype=np.float32), columns, axis=2, dtype=np.float32)
    heights, widths = (
        np.diff([*starts, side]) for starts, side in zip((rows, columns), pixels.shape[1:3], strict=True)
    )
    fields = (sums / (heights[:, None, None] * widths[None, :, None])).reshape(len(pixels), -1)
    return unit_fields(fields)


def unit_fields(fields: np.ndarray) -> np.ndarray:
    """Return sketches of pictures from the means of their fields, float32 [n, values] in any order and scale."""
    centred = fields - fields.mean(axis=1, keepdims=True)
    unit: np.ndarray = centred / np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-6)
    return unit


def likeness(
    sketches: np.ndarray, labels: np.ndarray, groups: np.ndarray, within: np.ndarray | None = None
) -> Likeness:
    """Return how alike the pictures of groups int [n] are, among those of their class, int [n].

    With `within`, finer groups int [n], pictures of the same finer group are not compared: the rest shows whether the
    groups mean more than these.
    """
    found = Likeness()
    for label in np.unique(labels).tolist():
        here = np.flatnonzero(labels == label)
        finer = None if within is None else within[here]
        found += _of_class(sketches[here], groups[here], finer)
    return found


def _of_class(sketches: np.ndarray, groups: np.ndarray, within: np.ndarray | None) -> Likeness:
    """Return the likeness of groups in one class. Classes with a single group say nothing."""
    if len(np.unique(groups)) < 2:
        return Likeness()
    alike = sketches @ sketches.T
    compared = alike < COPY
    np.fill_diagonal(compared, False)
    if within is not None:
        compared &= within[:, None] != within[None, :]
    mates = compared & (groups[:, None] == groups[None, :])
    asked = mates.any(axis=1) & (compared & ~mates).any(axis=1)
    nearest = np.where(compared, alike, -2).argmax(axis=1)
    hits = int((groups[nearest] == groups)[asked].sum())
    expected = float((mates.sum(axis=1)[asked] / compared.sum(axis=1)[asked]).sum())
    return Likeness(hits, expected, int(asked.sum()))


def most_similar(sketches: np.ndarray) -> np.ndarray:
    """Return the position of the picture that is most similar to each, and not a copy of it: int64 [n]."""
    alike = sketches @ sketches.T
    alike[alike >= COPY] = -2
    np.fill_diagonal(alike, -3)
    nearest: np.ndarray = alike.argmax(axis=1)
    return nearest


def across_classes(sketches: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> Likeness:
    """Return how often the most similar picture of *another* class is of the same group int [n]."""
    return _of_class(sketches, groups, within=labels)


def sample_groups(labels: np.ndarray, groups: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return some pictures, int64 ascending: whole groups int [n] of up to CLASSES classes int [n]."""
    classes = rng.permutation(np.unique(labels))[:CLASSES]
    quota = SAMPLED // len(classes)
    chosen = [_whole_groups(np.flatnonzero(labels == label), groups, quota, rng) for label in classes.tolist()]
    return np.sort(np.concatenate(chosen))


def _whole_groups(places: np.ndarray, groups: np.ndarray, quota: int, rng: np.random.Generator) -> np.ndarray:
    """Return up to `quota` of some pictures, group by group in random order; a large group gives half of them."""
    shuffled = rng.permutation(places)
    _, members = np.unique(groups[shuffled], return_inverse=True)
    order = rng.permutation(members.max() + 1)[members]
    ranked = shuffled[np.argsort(order, kind="stable")]
    sizes = np.bincount(order)
    rank = np.arange(len(ranked)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return ranked[rank < quota // 2][:quota]

"""Films in the order of a collection: successive pictures of a class that are more alike than others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tellapart.data.likeness import SAMPLED, Likeness, Sketcher, most_similar

UNRELATED = 0.95
"""Neighbours in order belong together if they are more alike than this share of other pairs of pictures."""

REACH = 3
"""Pictures that are compared on either side of a gap in the order: one blurred frame does not end a film."""

FILM, FILMED = 2000, 12000
"""Successive pictures of a class, and of all classes, that are judged. In a short piece of the order neighbours would
be the most similar pictures for want of others: the handwriting of one person in MNIST, for instance."""

PAIRS = 4000
"""Pairs of pictures that are drawn to see how alike pictures usually are."""

SHUFFLES = 3
"""Times that the order is shuffled to see how alike the pictures of such groups are by chance."""

Pairs = Literal["class", "others"]
"""What neighbours are compared with: pairs of their class, or of different classes where a class has few films."""


@dataclass(frozen=True, eq=False)
class OrderSearch:
    """Searches runs of pictures, int64 [n] each, for films; `sketches` returns the sketches of pictures int64 [n]."""

    runs: Sequence[np.ndarray]
    labels: np.ndarray
    sketches: Sketcher
    _nearest: dict[int, np.ndarray] = field(default_factory=dict)

    def evidence(self) -> tuple[Likeness, Pairs]:
        """Return the better evidence for films, from successive pictures of some runs, and how it was found."""
        kinds: tuple[Pairs, ...] = ("class", "others")
        windows = self._windows()
        return max(((self._judged(windows, kind), kind) for kind in kinds), key=lambda one: one[0].lift)

    def groups(self, kind: Pairs) -> np.ndarray:
        """Return the films of all pictures, int64 [n]; each run has films of its own."""
        groups, used = np.empty(len(self.labels), np.int64), 0
        for run in self.runs:
            films = _films(self.sketches(run), self._usual(run, kind))
            groups[run] = films + used
            used += films[-1] + 1
        return groups

    def nearest(self, window: np.ndarray) -> np.ndarray:
        """Return the place in the window of the picture most similar to each, int64 [n]; computed once."""
        key = int(window[0])
        if key not in self._nearest:
            self._nearest[key] = most_similar(self.sketches(window))
        return self._nearest[key]

    def _windows(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return some runs, and successive pictures of each."""
        rng = np.random.default_rng(0)
        windows, left = [], FILMED
        for run in (self.runs[i] for i in rng.permutation(len(self.runs)).tolist()):
            start = int(rng.integers(0, max(1, len(run) - FILM + 1)))
            windows.append((run, run[start : start + min(FILM, left)]))
            left -= len(windows[-1][1])
            if left <= 0:
                break
        return windows

    def _judged(self, windows: Sequence[tuple[np.ndarray, np.ndarray]], kind: Pairs) -> Likeness:
        """Return how alike the pictures of films are, compared with films that are found in a shuffled order.

        Films are made of similar pictures, so even those that mean nothing seem alike.
        """
        rng, found = np.random.default_rng(0), Likeness()
        for run, window in windows:
            sketches, nearest, usual = self.sketches(window), self.nearest(window), self._usual(run, kind)
            orders = [np.arange(len(window)), *(rng.permutation(len(window)) for _ in range(SHUFFLES))]
            hits, *by_chance = (_hits(sketches[order], np.argsort(order)[nearest[order]], usual) for order in orders)
            found += Likeness(hits, float(np.mean(by_chance)), len(window))
        return found if found.expected < found.count / 2 else Likeness()  # in any order nearly all are one film

    def _usual(self, run: np.ndarray, kind: Pairs) -> float:
        """Return how alike two pictures are of which UNRELATED of other pairs are less alike."""
        rng = np.random.default_rng(0)
        some = run if len(run) <= SAMPLED // 4 else np.sort(rng.choice(run, SAMPLED // 4, replace=False))
        first, second = rng.integers(0, len(some), (2, PAIRS))
        apart = np.abs(first - second) > len(some) // 10
        sketches = self.sketches(some)
        partners = sketches
        if kind == "others":
            others = np.flatnonzero(self.labels != self.labels[run[0]])
            partners = self.sketches(np.sort(rng.choice(others, len(some)))) if len(others) else sketches
        alike = (sketches[first[apart]] * partners[second[apart]]).sum(axis=1)
        return float(np.quantile(alike, UNRELATED)) if len(alike) else 1.0


def _hits(sketches: np.ndarray, nearest: np.ndarray, usual: float) -> int:
    """Return for how many pictures, in this order, the most similar one, `nearest` int64 [n], is of their film."""
    films = _films(sketches, usual)
    return int((films[nearest] == films).sum())


def _films(sketches: np.ndarray, usual: float) -> np.ndarray:
    """Return films int64 [n] of successive pictures: a gap between two that are not more alike than usual ends one."""
    best = np.full(len(sketches) - 1, -1.0, np.float32)
    for step in range(1, min(REACH, len(sketches) - 1) + 1):
        alike = (sketches[:-step] * sketches[step:]).sum(axis=1)
        for gap in range(step):
            part = best[gap : gap + len(alike)]
            np.maximum(part, alike, out=part)
    return np.concatenate([[0], np.cumsum(best <= usual)])

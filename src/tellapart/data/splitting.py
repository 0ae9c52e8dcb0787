"""Assign pictures to splits: in proportion by class, with duplicates and the pictures of a group in the same split."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import islice, pairwise

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.split_names import SPLITS
from tellapart.errors import DataError
from tellapart.text import counted


def assign_splits(
    collection: Collection, fractions: Mapping[str, float], seed: int, same: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """Return a split per picture, strings [n]: new splits are drawn from the training pictures.

    `fractions` are the new splits in the order in which they are drawn, each a fraction of the training pictures that
    are left. `same` are tuples of duplicates, by position. Duplicates and the pictures of a group get the same split.
    Raises DataError if there are too few groups.
    """
    if collection.groups is None:
        return _assign_pictures(collection, fractions, seed, same)
    return _assign_groups(collection, fractions, seed, merge_groups(collection.groups, same))


def _given_splits(collection: Collection) -> np.ndarray:
    """Return the splits of the source; without any, every picture is in training."""
    if collection.splits is None:
        return np.full(len(collection), "train", "<U10")
    return collection.splits.astype("<U10")


def _assign_pictures(
    collection: Collection, fractions: Mapping[str, float], seed: int, same: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """Return splits [n], drawn in proportion by class; duplicates are moved into one split afterwards."""
    splits = _given_splits(collection)
    free = splits == "train"
    for number, fraction in enumerate(fractions.values()):
        rng = np.random.default_rng((seed, number))
        chosen = _draw(collection, np.flatnonzero(splits == "train"), fraction, len(fractions) - number, rng)
        splits[chosen] = list(fractions)[number]
    if fractions:
        _keep_together(splits, collection.labels, free, same, np.random.default_rng((seed, 2)))
    return splits


def _draw(
    collection: Collection, candidates: np.ndarray, fraction: float, leave: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw a fraction of the candidates of each class, and leave at least `leave` of them."""
    labels = collection.labels[candidates]
    counts = np.bincount(labels, minlength=len(collection.class_names))
    sizes = _sizes(counts, fraction, leave)
    # Sorted by name, so that the splits do not depend on the order of the class names.
    order = sorted(range(len(counts)), key=lambda c: collection.class_names[c])
    by_class = np.split(candidates[np.argsort(labels, kind="stable")], np.cumsum(counts)[:-1])
    return np.concatenate([rng.permutation(by_class[c])[: sizes[c]] for c in order])


def _sizes(counts: np.ndarray, fraction: float, leave: int) -> np.ndarray:
    """Return how many to draw of each class, int64 [classes]: at least 1, and at least `leave` stay.

    The largest-remainder method on `counts * fraction`.
    """
    exact = counts * fraction
    low = np.minimum(1, counts)
    high = np.maximum(counts - leave, low)
    sizes = np.clip(np.floor(exact).astype(np.int64), low, high)
    missing = math.ceil(round(counts.sum() * fraction, 6)) - sizes.sum()
    for c in np.argsort(sizes - exact, kind="stable"):
        if missing > 0 and sizes[c] < high[c]:
            sizes[c] += 1
            missing -= 1
    return sizes


def _keep_together(
    splits: np.ndarray, labels: np.ndarray, free: np.ndarray, same: Sequence[tuple[int, ...]], rng: np.random.Generator
) -> None:
    """Move duplicates into the split of one of them, drawn at random, so that splits keep their size on average.

    Only the pictures that are `free`, not assigned by the source, are moved. They are moved to training if they would
    be half of another split or more, or if training has no other pictures of their class.
    """
    left = np.bincount(labels[splits == "train"], minlength=labels.max() + 1)
    sizes = {split: int((splits == split).sum()) for split in SPLITS}
    for duplicates in same:
        group = np.array([i for i in duplicates if free[i]], np.int64)
        if len(np.unique(splits[group])) < 2:
            continue
        target = splits[rng.choice(group)]
        leaving = np.bincount(labels[group[splits[group] == "train"]], minlength=len(left))
        if (left[leaving > 0] <= leaving[leaving > 0]).any() or 2 * len(group) > sizes[target]:
            target = "train"
        coming = np.bincount(labels[group[splits[group] != "train"]], minlength=len(left))
        left += coming if target == "train" else -leaving
        splits[group] = target


def _assign_groups(collection: Collection, fractions: Mapping[str, float], seed: int, groups: np.ndarray) -> np.ndarray:
    """Return splits [n] of whole groups. Raises DataError if there are too few groups."""
    splits = _given_splits(collection)
    for number, (split, fraction) in enumerate(fractions.items()):
        candidates, rng = np.flatnonzero(splits == "train"), np.random.default_rng((seed, number))
        draw = _GroupDraw(collection, groups, candidates, fraction, len(fractions) - number)
        splits[draw.pictures(rng)] = split
    return splits


class _GroupDraw:
    """Draws whole groups from the pictures `candidates` until each class has its fraction of pictures.

    At least `leave` groups of every class are left.
    """

    def __init__(
        self, collection: Collection, groups: np.ndarray, candidates: np.ndarray, fraction: float, leave: int
    ) -> None:
        self.collection, self.candidates, self.leave = collection, candidates, leave
        classes = len(collection.class_names)
        labels = collection.labels[candidates]
        names, self.members = np.unique(groups[candidates], return_inverse=True)
        self.count = len(names)
        # The classes of each group and its pictures of them: a group has few of perhaps many classes.
        codes, counts = np.unique(self.members * classes + labels, return_counts=True)
        starts = np.searchsorted(codes, np.arange(self.count + 1) * classes)
        # Lists, since a loop over many thousands of groups is slow with small arrays.
        pairs = list(zip((codes % classes).tolist(), counts.tolist(), strict=True))
        self.counts_of = [pairs[start:end] for start, end in pairwise(starts.tolist())]
        self.sizes = np.bincount(self.members)
        self.left = np.bincount(codes % classes, minlength=classes).tolist()  # groups of each class
        self.present = [c for c in range(classes) if self.left[c]]
        self.wanted = (np.bincount(labels, minlength=classes) * fraction).tolist()
        self.drawn, self.chosen = [0] * classes, np.zeros(self.count, bool)

    def pictures(self, rng: np.random.Generator) -> np.ndarray:
        """Return the drawn pictures, int64 [n]. Raises DataError if no group may be drawn.

        A group is taken if it brings the classes' counts nearer to the wanted ones: first only groups of at most half
        of the wanted pictures, so that no single group dominates the split; then groups that still fit; then any.
        Finally, each class without a group gets its smallest.
        """
        order = rng.permutation(self.count)
        total, drawn = sum(self.wanted), 0
        for most in (total / 2, total, math.inf):
            for group in order[self.sizes[order] <= most].tolist():
                fits = most == math.inf or drawn + self.sizes[group] <= total + 1
                if fits and self._may_take(group) and self._improves(group):
                    drawn += self._take(group)
        smallest = order[np.argsort(self.sizes[order], kind="stable")].tolist()
        missing = [c for c in self.present if not self.drawn[c]]
        for c in sorted(missing, key=lambda c: self.collection.class_names[c]):
            if not self.drawn[c]:
                having = (group for group in smallest if self._has(group, c) and self._may_take(group))
                self._take(*islice(having, 1))
        if not self.chosen.any():
            raise self._too_few()
        return self.candidates[self.chosen[self.members]]

    def _has(self, group: int, wanted: int) -> bool:
        return any(c == wanted for c, _ in self.counts_of[group])

    def _may_take(self, group: int) -> bool:
        return not self.chosen[group] and all(self.left[c] > self.leave for c, _ in self.counts_of[group])

    def _improves(self, group: int) -> bool:
        before = [(self.drawn[c] - self.wanted[c], count) for c, count in self.counts_of[group]]
        return bool(sum(abs(gap + count) for gap, count in before) < sum(abs(gap) for gap, _ in before))

    def _take(self, *groups: int) -> int:
        """Take groups, and return how many pictures they have."""
        for group in groups:
            self.chosen[group] = True
            for c, count in self.counts_of[group]:
                self.drawn[c] += count
                self.left[c] -= 1
        return sum(int(self.sizes[group]) for group in groups)

    def _too_few(self) -> DataError:
        fewest = min(self.present, key=lambda c: self.left[c] or self.count + 1)
        return DataError(
            f"{self.collection.source}: the training pictures of the class {self.collection.class_names[fewest]!r} are "
            f"in {counted(self.left[fewest], 'group')}",
            f"at least {self.leave + 1} groups of each class, since a group must stay in one split",
            "assign the splits yourself, or use a manifest without the group column",
        )


def merge_groups(groups: np.ndarray, same: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Return the names of groups [n] after merging groups that share duplicates: `same`, tuples of positions.

    A merged group has the first of its names in plain string order.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, members = np.unique(groups, return_inverse=True)
    firsts = np.concatenate([np.empty(0, np.int64), *(np.repeat(places[0], len(places) - 1) for places in same)])
    others = np.concatenate([np.empty(0, np.int64), *(np.array(places[1:], np.int64) for places in same)])
    links = coo_array((np.ones(len(firsts), bool), (members[firsts], members[others])), (len(names), len(names)))
    component = connected_components(links, directed=False)[1]
    _, first = np.unique(component, return_index=True)
    merged: np.ndarray = names[first[component[members]]]
    return merged

"""Cutting parts from training pictures: in proportion by class, what shows the same, or is of a group, on one side."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.split_names import SPLITS
from tellapart.errors import DataError
from tellapart.text import counted


def cut_splits(
    collection: Collection, cuts: Mapping[str, float], seed: int, same: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """Parts [n] in which pictures of a group, and those that show the `same`, are together. Raises DataError."""
    if collection.groups is None:
        return _cut_apart(collection, cuts, seed, same)
    return _cut_whole(collection, cuts, seed, joined(collection.groups, same))


def _start(collection: Collection) -> np.ndarray:
    """The parts as the source gives them; without, all is training."""
    if collection.splits is None:
        return np.full(len(collection), "train", "<U10")
    return collection.splits.astype("<U10")


def _cut_apart(
    collection: Collection, cuts: Mapping[str, float], seed: int, same: Sequence[tuple[int, ...]]
) -> np.ndarray:
    """Parts [n] whose classes are cut in proportion; pictures that show the same are then brought together."""
    splits = _start(collection)
    free = splits == "train"
    for number, fraction in enumerate(cuts.values()):
        rng = np.random.default_rng((seed, number))
        chosen = _drawn(collection, np.flatnonzero(splits == "train"), fraction, len(cuts) - number, rng)
        splits[chosen] = list(cuts)[number]
    if cuts:
        _keep_together(splits, collection.labels, free, same, np.random.default_rng((seed, 2)))
    return splits


def _drawn(
    collection: Collection, among: np.ndarray, fraction: float, leave: int, rng: np.random.Generator
) -> np.ndarray:
    labels = collection.labels[among]
    counts = np.bincount(labels, minlength=len(collection.class_names))
    shares = _shares(counts, fraction, leave)
    # By name, so that the split does not depend on the order in which somebody lists the classes.
    order = sorted(range(len(counts)), key=lambda c: collection.class_names[c])
    return np.concatenate([rng.permutation(among[labels == c])[: shares[c]] for c in order])


def _shares(counts: np.ndarray, fraction: float, leave: int) -> np.ndarray:
    """How many to take of each class: largest remainders of counts * fraction, at least 1, leaving at least `leave`."""
    exact = counts * fraction
    low = np.minimum(1, counts)
    high = np.maximum(counts - leave, low)
    shares = np.clip(np.floor(exact).astype(np.int64), low, high)
    missing = math.ceil(round(counts.sum() * fraction, 6)) - shares.sum()
    for c in np.argsort(shares - exact, kind="stable"):
        if missing > 0 and shares[c] < high[c]:
            shares[c] += 1
            missing -= 1
    return shares


def _keep_together(
    splits: np.ndarray, labels: np.ndarray, free: np.ndarray, same: Sequence[tuple[int, ...]], rng: np.random.Generator
) -> None:
    """Move pictures that show the same to the part of one of them, drawn; so parts keep their size on the average.

    Only those that the source leaves `free`. They come to training where they are so many that they would be half of
    another part, and where their class has no other training pictures.
    """
    left = np.bincount(labels[splits == "train"], minlength=labels.max() + 1)
    sizes = {split: int((splits == split).sum()) for split in SPLITS}
    for places in same:
        group = np.array([i for i in places if free[i]], np.int64)
        if len(np.unique(splits[group])) < 2:
            continue
        target = splits[rng.choice(group)]
        leaving = np.bincount(labels[group[splits[group] == "train"]], minlength=len(left))
        if (left[leaving > 0] <= leaving[leaving > 0]).any() or 2 * len(group) > sizes[target]:
            target = "train"
        coming = np.bincount(labels[group[splits[group] != "train"]], minlength=len(left))
        left += coming if target == "train" else -leaving
        splits[group] = target


def _cut_whole(collection: Collection, cuts: Mapping[str, float], seed: int, groups: np.ndarray) -> np.ndarray:
    """Parts [n] of whole groups."""
    splits = _start(collection)
    for number, (split, fraction) in enumerate(cuts.items()):
        among, rng = np.flatnonzero(splits == "train"), np.random.default_rng((seed, number))
        splits[_cut_groups(collection, groups, among, fraction, len(cuts) - number, rng)] = split
    return splits


def _cut_groups(
    collection: Collection, groups: np.ndarray, among: np.ndarray, fraction: float, leave: int, rng: np.random.Generator
) -> np.ndarray:
    """Whole groups, drawn, each taken if it brings the classes' counts nearer to their share.

    First of those that are no more than half of what is wanted, so that no single one is what is measured; then of
    those that still fit, and then of any. At last, for each class that has none yet, its smallest. Of every class at
    least `leave` groups remain. Raises DataError where none may be taken.
    """
    classes = len(collection.class_names)
    names, members = np.unique(groups[among], return_inverse=True)
    # The classes of each group and its pictures of them: few, of perhaps many classes.
    codes, counts = np.unique(members * classes + collection.labels[among], return_counts=True)
    starts = np.searchsorted(codes, np.arange(len(names) + 1) * classes)
    its = [codes[starts[group] : starts[group + 1]] % classes for group in range(len(names))]
    table = [counts[starts[group] : starts[group + 1]] for group in range(len(names))]
    sizes = np.bincount(members)
    left = np.bincount(codes % classes, minlength=classes)
    had = left > 0
    wanted = np.bincount(collection.labels[among], minlength=classes) * fraction
    got, chosen = np.zeros(classes), np.zeros(len(names), bool)

    def may(group: int) -> bool:
        return not chosen[group] and bool((left[its[group]] > leave).all())

    def nearer(group: int) -> bool:
        before = got[its[group]] - wanted[its[group]]
        return float(np.abs(before + table[group]).sum()) < float(np.abs(before).sum())

    def take(group: int) -> None:
        got[its[group]] += table[group]
        left[its[group]] -= 1
        chosen[group] = True

    order = rng.permutation(len(names))
    total = float(wanted.sum())
    for most in (total / 2, total, math.inf):
        for group in order[sizes[order] <= most].tolist():
            if (most == math.inf or got.sum() + sizes[group] <= total + 1) and may(group) and nearer(group):
                take(group)
    smallest = order[np.argsort(sizes[order], kind="stable")].tolist()
    for c in sorted(np.flatnonzero(had & (got == 0)).tolist(), key=lambda c: collection.class_names[c]):
        if (
            not got[c]
            and (found := next((group for group in smallest if c in its[group] and may(group)), None)) is not None
        ):
            take(found)
    if not chosen.any():
        few = int(np.argmin(np.where(left > 0, left, len(names) + 1)))
        raise DataError(
            f"{collection.source}: the training pictures of the class {collection.class_names[few]!r} are in "
            f"{counted(int(left[few]), 'group')}",
            f"at least {leave + 1} groups of a class, to keep each on one side of the split",
            "give the parts yourself, or a manifest without the group column",
        )
    return among[chosen[members]]


def joined(groups: np.ndarray, same: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Names [n] of groups, with those made one that hold pictures which show the same: `same`, tuples of places."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    names, members = np.unique(groups, return_inverse=True)
    firsts = np.concatenate([np.empty(0, np.int64), *(np.repeat(places[0], len(places) - 1) for places in same)])
    others = np.concatenate([np.empty(0, np.int64), *(np.array(places[1:], np.int64) for places in same)])
    links = coo_array((np.ones(len(firsts), bool), (members[firsts], members[others])), (len(names), len(names)))
    of_name = connected_components(links, directed=False)[1]
    _, first = np.unique(of_name, return_index=True)  # what is joined is called by the first name of it
    result: np.ndarray = names[first[of_name[members]]]
    return result

"""Folds for cross-validation: stratified by label, with the pictures of a group in the same fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.duplicates import Duplicates
from tellapart.data.splitting import merge_groups
from tellapart.errors import DataError
from tellapart.text import counted


def assign_folds(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold, 0 to folds - 1, of every picture: stratified by label int [n], with groups [n] kept together."""
    rng = np.random.default_rng((seed, folds))
    names, members = np.unique(groups, return_inverse=True)
    classes = int(labels.max()) + 1
    # The classes of each group (few, of perhaps many) and its share of each class, so that rare classes count as much.
    codes, counts = np.unique(members * classes + labels, return_counts=True)
    of_class = codes % classes
    share = counts / np.bincount(labels)[of_class]
    starts = np.searchsorted(codes, np.arange(len(names) + 1) * classes)
    fold = np.zeros(len(names), np.int64)
    filled = np.zeros((folds, classes))
    order = rng.permutation(len(names))
    for group in order[np.argsort(-np.bincount(members)[order], kind="stable")].tolist():  # large groups first
        its_classes, shares = of_class[starts[group] : starts[group + 1]], share[starts[group] : starts[group + 1]]
        crowd = filled[:, its_classes] @ shares
        emptiest = np.flatnonzero(crowd <= crowd.min() + 1e-12)
        chosen = emptiest[filled[emptiest].sum(axis=1).argmin()]
        fold[group] = chosen
        filled[chosen, its_classes] += shares
    return fold[members]


def make_folds(
    collection: Collection, duplicates: Duplicates, indices: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, list[str]]:
    """The fold int [n] of each picture at `indices`, with groups and duplicates kept together, and notes about it.

    If near-duplicates would put a whole class into one fold, they share a layout and are not copies; then only exact
    duplicates stay together. Raises DataError if a class does not fit in two folds, or there are too few groups.
    """
    labels, (groups, notes) = collection.labels[indices], _groups(collection, duplicates, indices)
    fold = assign_folds(labels, groups, folds, seed)
    check_folds(collection, labels, fold)
    if (used := len(np.unique(fold))) < folds:
        raise DataError(
            f"{collection.source}: its pictures form {used} groups, too few for {folds} folds",
            "at least as many groups as folds",
            f"use --folds {used}" if used > 1 else "add pictures that differ",
        )
    return fold, notes


def make_possible_folds(
    collection: Collection, duplicates: Duplicates, indices: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """`make_folds` for as many pictures as possible: their indices int64 [m], their folds, and notes.

    Uses fewer folds if the smallest class requires it, and leaves out classes that do not fit in two folds. Raises
    DataError if fewer than two classes remain.
    """
    labels, (groups, notes) = collection.labels[indices], _groups(collection, duplicates, indices)
    different = _groups_per_class(collection, labels, groups)
    what = "different pictures" if collection.groups is None else "groups with different pictures"
    few = np.flatnonzero((different < 2) & (different > 0))
    if (different >= 2).sum() < 2:
        raise DataError(
            f"{collection.source}: fewer than two classes have two readable {what}",
            f"two {what} of at least two classes",
            "add pictures",
        )
    if len(few):
        names = ", ".join(collection.class_names[c] for c in few[:5])
        more = f" and {len(few) - 5} more" if len(few) > 5 else ""
        notes.append(f"not searched in {names}{more}: too few {what}")
    smallest = int(np.where(different >= 2, different, different.max()).argmin())
    if different[smallest] < folds:
        folds = int(different[smallest])
        notes.append(f"uses {folds} folds, because {collection.class_names[smallest]} has only {folds} {what}")
    kept = ~np.isin(labels, few)
    return indices[kept], assign_folds(labels[kept], groups[kept], folds, seed), notes


def _groups(collection: Collection, duplicates: Duplicates, indices: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """The group [n] of each picture at `indices`, of pictures that must share a fold, and notes about it."""
    labels = collection.labels[indices]
    given = np.arange(len(collection)) if collection.groups is None else collection.groups
    exact = duplicates.of("exact")
    possible = _groups_per_class(collection, labels, merge_groups(given, exact)[indices]) > 1

    def lacking(same: Sequence[tuple[int, ...]]) -> np.ndarray:
        """Classes, bool [classes], that could be in two folds but for `same`."""
        return possible & (_groups_per_class(collection, labels, merge_groups(given, same)[indices]) < 2)

    same: Sequence[tuple[int, ...]] = duplicates.groups
    if not (lacks := lacking(same)).any():
        return merge_groups(given, same)[indices], []
    here = set(indices.tolist())
    separated = {
        group
        for group in set(duplicates.groups) - set(exact)
        if any(lacks[collection.labels[i]] for i in group if i in here)
    }
    same = [*exact, *(group for group in duplicates.groups if group not in separated)]
    if lacking(same).any():
        same, separated = exact, set(duplicates.groups) - set(exact)
    count = sum(i in here for group in separated for i in group)
    words = f"{counted(count, 'picture')} are so similar that only exact duplicates among them stay in one fold"
    return merge_groups(given, same)[indices], [f"{words}: metrics may be optimistic"]


def _groups_per_class(collection: Collection, labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The number of different groups [n] of each class: int64 [classes]."""
    return np.array([len(np.unique(groups[labels == c])) for c in range(len(collection.class_names))])


def check_folds(collection: Collection, labels: np.ndarray, fold: np.ndarray) -> None:
    """Raise DataError unless each model would train on every class; labels and fold int [n]."""
    for c in np.unique(labels).tolist():
        if len(np.unique(fold[labels == c])) < 2:
            what = "different pictures" if collection.groups is None else "groups with different pictures"
            raise DataError(
                f"{collection.source}: the class {collection.class_names[c]!r} has too few {what} for "
                f"{fold.max() + 1} folds: all of it would be in one",
                "several, so that every model trains on every class",
                "add pictures, leave the class out, or use another number of folds",
            )

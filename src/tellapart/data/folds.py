"""Folds for cross-validation: stratified by label, with the pictures of a group in the same fold."""

from __future__ import annotations

import numpy as np


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

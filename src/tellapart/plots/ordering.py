"""Order classes so that those that are confused with each other are neighbours, and find groups of them."""

from __future__ import annotations

import numpy as np

OPTIMAL = 250
"""With more classes the best order of the leaves takes too long; the order of the tree is nearly as good."""

UNRELATED = 0.9
"""Groups are cut where the mean distance between two of them, from 0 to 1, reaches this share of the largest one."""


def confusion_order(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return an order of the classes, int64 [classes], and the number of the group of each of them in that order.

    `counts` int64 [classes, classes] is a confusion matrix. The order is that of the leaves of a hierarchical
    clustering (average linkage), ordered for close neighbours (Bar-Joseph and others 2001). The similarity of two
    classes is the share of the pictures of both that are predicted as the other one.
    """
    from scipy.cluster.hierarchy import fcluster, leaves_list, linkage
    from scipy.spatial.distance import squareform

    classes = len(counts)
    if classes < 3:
        return np.arange(classes), np.arange(classes)
    similarity = np.sqrt(_shared(counts))  # the root makes weak confusions count as well
    distance = 1 - similarity / (similarity.max() or 1)
    np.fill_diagonal(distance, 0)
    tree = linkage(squareform(distance, checks=False), "average", optimal_ordering=classes <= OPTIMAL)
    order = leaves_list(tree)
    groups = fcluster(tree, UNRELATED * tree[:, 2].max(), "distance")[order]
    starts = np.append(0, np.cumsum(np.diff(groups) != 0))
    return order, starts


def _shared(counts: np.ndarray) -> np.ndarray:
    """Return the share of the pictures of each two classes that are predicted as the other one, float [n, n]."""
    wrong = counts + counts.T
    totals = counts.sum(axis=1)
    shares: np.ndarray = wrong / np.maximum(totals[:, None] + totals[None, :], 1)
    np.fill_diagonal(shares, 0)
    return shares

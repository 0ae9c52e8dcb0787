"""Labels that are likely wrong, by what models say that have not seen the picture."""

from __future__ import annotations

import numpy as np


def suspected(labels: np.ndarray, told: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The places of suspected labels, int64, the likeliest first, and the class that each is more like.

    `labels` int [n]; `told` float [n, classes] are out-of-fold probabilities. A label is suspected where another class
    is likelier than the models' usual confidence in that class, and the given one is less likely than usual (confident
    learning, Northcutt and others 2021). Ranked by the distance of the two probabilities.
    """
    classes, rows = told.shape[1], np.arange(len(labels))
    given = told[rows, labels]
    usual = np.array([given[labels == c].mean() if (labels == c).any() else 1.0 for c in range(classes)])
    others = told.copy()
    others[rows, labels] = -1
    best, other = others.argmax(axis=1), others.max(axis=1)
    suspect = (other >= usual[best]) & (given < usual[labels]) & (other > given)
    order = np.argsort(given - other, kind="stable")
    order = order[suspect[order]]
    return order, best[order]

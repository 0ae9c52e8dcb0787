"""Find labels that are probably wrong, from the predictions of models that were not trained on the picture."""

from __future__ import annotations

import numpy as np


def find_label_errors(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of suspect labels, int64 [k], the most suspect first, and the more probable class of each.

    `labels` int [n]; `probabilities` float [n, classes] are out-of-fold predictions. A label is suspect if another
    class is more probable than the models' mean confidence in it, and the given class is less probable than its mean.
    Sorted by the difference of the two probabilities. Source: confident learning (Northcutt and others 2021).
    """
    classes, rows = probabilities.shape[1], np.arange(len(labels))
    given = probabilities[rows, labels]
    means = np.array([given[labels == c].mean() if (labels == c).any() else 1.0 for c in range(classes)])
    others = probabilities.copy()
    others[rows, labels] = -1
    best, other = others.argmax(axis=1), others.max(axis=1)
    suspect = (other >= means[best]) & (given < means[labels]) & (other > given)
    order = np.argsort(given - other, kind="stable")
    order = order[suspect[order]]
    return order, best[order]

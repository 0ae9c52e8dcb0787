"""Figures from probabilities and labels, each by its textbook definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BINS = 15
"""Of the calibration error, as in Guo and others 2017."""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts int64 [classes, classes]: true class a row, predicted class a column."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Cross-entropy in nats: the mean of -ln p of the true class, with p kept above 1e-7 as Keras does."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(np.log(1 / np.clip(true.astype(np.float64), 1e-7, 1.0)).mean())


def squared_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared error between the probabilities and the one-hot labels, over pictures and classes."""
    result: float = brier_score(probabilities, labels) / probabilities.shape[1]
    return result


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The squared error between the probabilities and the one-hot labels, summed over classes, 0..2 (Brier 1950)."""
    exact = probabilities.astype(np.float64)
    exact[np.arange(len(labels)), labels] -= 1
    return float(np.square(exact).sum(axis=1).mean())


def top_accuracy(probabilities: np.ndarray, labels: np.ndarray, count: int) -> float:
    """The share of pictures whose class is among the `count` likeliest; equally likely ones come in class order."""
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return float((likeliest == labels[:, None]).any(axis=1).mean())


def balanced_accuracy(confusion: np.ndarray) -> float:
    """The mean recall of the classes that there are pictures of."""
    counts = confusion.sum(axis=1)
    return float((np.diag(confusion)[counts > 0] / counts[counts > 0]).mean())


def roc_areas(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each class against the others [classes]; NaN for a class of none or all pictures."""
    from sklearn.metrics import roc_auc_score  # here: importing scikit-learn takes most of a second

    return _areas(roc_auc_score, probabilities, labels)


def pr_areas(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Average precision of each class against the others [classes], the area under the precision-recall curve summed
    by steps; NaN for a class of none or all pictures.
    """
    from sklearn.metrics import average_precision_score

    return _areas(average_precision_score, probabilities, labels)


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Pictures by the probability of their answer, in `bins` equal bins of 0..1: float [bins, 3].

    A row is the number of pictures, the mean probability of their answers, and the share of right answers; the latter
    two are NaN in an empty bin. A probability on the border of two bins is in the lower one.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    right = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    place = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    counts, sums, rights = (np.bincount(place, weights, bins) for weights in (None, confidence, right))
    with np.errstate(invalid="ignore"):
        return np.stack([counts, sums / counts, rights / counts], axis=1)


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Expected calibration error: the mean, over pictures, of the distance in each bin of `reliability` between what
    the answers' probabilities promise and the share that is right (Naeini and others 2015, Guo and others 2017).
    """
    counts, promised, right = reliability(probabilities, labels, bins).T
    filled = counts > 0
    return float((counts[filled] * np.abs(promised - right)[filled]).sum() / counts.sum())


def _areas(
    score: Callable[[np.ndarray, np.ndarray], float], probabilities: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    areas = np.full(probabilities.shape[1], np.nan)
    for c in range(probabilities.shape[1]):
        mine = labels == c
        if mine.any() and not mine.all():
            areas[c] = score(mine, probabilities[:, c])
    return areas

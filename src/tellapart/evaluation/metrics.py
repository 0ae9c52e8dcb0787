"""Metrics of probabilities float [n, classes] and labels int [n], each by its textbook definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

BINS = 15
"""Number of bins of the calibration error, as in Guo and others 2017."""


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Return counts int64 [classes, classes]: true classes in rows, predicted classes in columns."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the cross-entropy in nats: the mean of -ln p of the true class. p is at least 1e-7, as in Keras."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(np.log(1 / np.clip(true.astype(np.float64), 1e-7, 1.0)).mean())


def squared_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean squared error between probabilities and one-hot labels, over pictures and classes."""
    return float(brier_score(probabilities, labels) / probabilities.shape[1])


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the squared error between probabilities and one-hot labels, summed over classes, 0 to 2 (Brier 1950)."""
    exact = probabilities.astype(np.float64)
    exact[np.arange(len(labels)), labels] -= 1
    return float(np.square(exact).sum(axis=1).mean())


def top_accuracy(probabilities: np.ndarray, labels: np.ndarray, count: int) -> float:
    """Return the share of pictures whose class is among the `count` most probable; ties are in class order."""
    likeliest = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    return float((likeliest == labels[:, None]).any(axis=1).mean())


def balanced_accuracy(confusion: np.ndarray) -> float:
    """Return the mean recall of the classes that have pictures."""
    counts = confusion.sum(axis=1)
    return float((np.diag(confusion)[counts > 0] / counts[counts > 0]).mean())


def roc_aucs(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the area under the ROC curve of each class against the others, float [classes].

    It is NaN for a class without pictures, or with all of them. It is computed from ranks (Mann and Whitney 1947);
    equal probabilities share their mean rank.
    """
    count, classes = probabilities.shape
    members, sums = np.bincount(labels, minlength=classes), np.zeros(classes)
    for c in np.flatnonzero(members):
        values, own = np.sort(probabilities[:, c]), probabilities[labels == c, c]
        sums[c] = ((values.searchsorted(own, "left") + values.searchsorted(own, "right") + 1) / 2).sum()
    sums -= members * (members + 1) / 2
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / (members * (count - members)))


def average_precisions(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the average precision of each class against the others, float [classes].

    That is the area under the precision-recall curve, summed in steps. It is NaN for a class without pictures, or with
    all of them.
    """
    from sklearn import config_context  # here: importing scikit-learn takes most of a second
    from sklearn.metrics import average_precision_score

    with config_context(assume_finite=True, skip_parameter_validation=True):  # which take longer than the work
        return _one_against_others(average_precision_score, probabilities, labels)


def reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Group the pictures by confidence, the highest probability, in `bins` equal bins from 0 to 1: float [bins, 3].

    A row is the number of pictures, their mean confidence and their accuracy; the latter two are NaN in an empty bin. A
    probability on the border of two bins is in the lower one.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = (probabilities.argmax(axis=1) == labels).astype(np.float64)
    numbers = bin_numbers(confidence, bins)
    counts, confidences, corrects = (np.bincount(numbers, weights, bins) for weights in (None, confidence, correct))
    with np.errstate(invalid="ignore"):
        return np.stack([counts, confidences / counts, corrects / counts], axis=1)


def bin_numbers(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Return the bin of `reliability` for each confidence float [n], int64 [n] from 0."""
    return np.asarray(np.clip(np.ceil(confidence.astype(np.float64) * bins).astype(int) - 1, 0, bins - 1))


def calibration_error(probabilities: np.ndarray, labels: np.ndarray, bins: int = BINS) -> float:
    """Return the expected calibration error, 0 to 1 (Naeini and others 2015, Guo and others 2017).

    It is the difference between mean confidence and accuracy in each bin of `reliability`, averaged over pictures.
    """
    counts, confidence, accuracy = reliability(probabilities, labels, bins).T
    filled = counts > 0
    return float((counts[filled] * np.abs(confidence - accuracy)[filled]).sum() / counts.sum())


def _one_against_others(
    score: Callable[[np.ndarray, np.ndarray], float], probabilities: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Return a binary score of each class against the others, float [classes]; NaN where it is not defined."""
    scores = np.full(probabilities.shape[1], np.nan)
    for c in range(probabilities.shape[1]):
        of_class = labels == c
        if of_class.any() and not of_class.all():
            scores[c] = score(of_class, probabilities[:, c])
    return scores

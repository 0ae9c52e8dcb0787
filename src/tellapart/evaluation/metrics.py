"""Figures from probabilities and labels, each by its textbook definition."""

from __future__ import annotations

import numpy as np


def confusion_matrix(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """Counts int64 [classes, classes]: true class a row, predicted class a column."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Cross-entropy in nats: the mean of -ln p of the true class, with p kept above 1e-7 as Keras does."""
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(true.astype(np.float64), 1e-7, 1.0)).mean())


def squared_error(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean squared error between the probabilities and the one-hot labels, over pictures and classes."""
    exact = probabilities.astype(np.float64)
    exact[np.arange(len(labels)), labels] -= 1
    return float(np.square(exact).mean())


def accuracy_interval(correct: int, count: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a proportion (Wilson 1927), by SciPy."""
    from scipy.stats import binomtest  # here: importing scipy.stats takes half a second

    interval = binomtest(correct, count).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)

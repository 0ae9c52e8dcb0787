"""Weights of pictures by the size of their class, for unbalanced collections."""

from __future__ import annotations

import numpy as np


def class_weights(labels: np.ndarray, balance: float, classes: int) -> np.ndarray:
    """The weight of a picture of each class, float32 [classes]: count ** -balance, scaled to a mean of 1 per picture.

    `labels` int [n]; a class without pictures gets 0.
    """
    counts = np.bincount(labels, minlength=classes).astype(float)
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -balance, 0)
    return (weights * len(labels) / (weights * counts).sum()).astype(np.float32)

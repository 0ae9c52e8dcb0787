"""Accuracies of simple rules, to compare a classifier with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.images.grid import SIDE
from tellapart.training.logistic import fit_head

PICTURES = 5000
"""The logistic regression is fitted to a random sample of at most this many training pictures."""


@dataclass(frozen=True)
class Baseline:
    """The accuracy of a simple rule, 0 to 1, and a description such as "always predicting 'cat'".

    `is_correct` bool [n], if known, is whether the rule's answer to each picture is right.
    """

    name: str
    accuracy: float
    description: str
    is_correct: np.ndarray | None = field(default=None, compare=False, repr=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the baseline as JSON-ready data."""
        return {"name": self.name, "accuracy": self.accuracy, "description": self.description}


def majority(labels: np.ndarray, majority_class: int, class_names: tuple[str, ...]) -> Baseline:
    """Return the baseline that always predicts `majority_class`, the most frequent class of the training data."""
    description = f"always predicting {class_names[majority_class]!r}"
    is_correct = labels == majority_class
    return Baseline("majority class", float(is_correct.mean()), description, is_correct)


class ShrunkenPixels:
    """Logistic regression on pictures shrunk to 8 x 8: how much the coarse light and colour reveal about the class."""

    def __init__(self, train: Prepared, labels: np.ndarray) -> None:
        """Fit to prepared training pictures with labels int [n] of at least two classes."""
        chosen = baseline_sample(labels)
        self.head = fit_head(train.take(chosen).coarse(), labels[chosen], int(labels.max()) + 1).head

    def __call__(self, data: Prepared, labels: np.ndarray) -> Baseline:
        """Return its accuracy on prepared pictures with labels int [n]."""
        predicted = self.head(data.coarse()).argmax(axis=1)
        description = f"logistic regression on the pictures shrunk to {SIDE} x {SIDE}"
        is_correct = predicted == labels
        return Baseline("logistic regression", float(is_correct.mean()), description, is_correct)


class FrozenFeatures:
    """The head that was fitted to the features of a pretrained backbone before the backbone was trained further."""

    def __init__(self, head: Callable[[np.ndarray], np.ndarray]) -> None:
        self.head = head

    def __call__(self, data: Prepared, labels: np.ndarray) -> Baseline:
        """Return its accuracy on prepared pictures, which have features, with labels int [n]."""
        assert data.features is not None
        is_correct = self.head(data.features).argmax(axis=1) == labels
        description = "logistic regression on the features of the pretrained backbone"
        return Baseline("frozen features", float(is_correct.mean()), description, is_correct)


def baseline_sample(labels: np.ndarray) -> np.ndarray:
    """Return which training pictures to fit a baseline to: a sample of at most PICTURES, with every class in it.

    `labels` int [n] are those of all training pictures; the result is int64 positions, ascending.
    """
    order = np.random.default_rng(0).permutation(len(labels))
    firsts = order[np.unique(labels[order], return_index=True)[1]]  # one of each class, however rare
    return np.unique(np.concatenate([firsts, order[:PICTURES]]))

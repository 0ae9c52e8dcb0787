"""What can be reached with next to no skill: figures that give an accuracy its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tellapart.data.feeding import rows_for
from tellapart.data.rows import Pixels
from tellapart.images.shrink import SIDE, shrunken

PICTURES = 5000
"""It learns from at most so many, evenly drawn."""


@dataclass(frozen=True)
class Baseline:
    """The accuracy of a simple rule on the same pictures, and the rule in words."""

    name: str
    accuracy: float
    words: str

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"name": self.name, "accuracy": self.accuracy, "words": self.words}


def majority(labels: np.ndarray, named: int, class_names: tuple[str, ...]) -> Baseline:
    """Always naming the one class `named`, which training has most of."""
    words = f"always answering {class_names[named]!r}"
    return Baseline("majority class", float((labels == named).mean()), words)


class ShrunkenPixels:
    """Logistic regression on pictures shrunken to 8 x 8: what the mere distribution of light and colour gives away."""

    def __init__(self, pixels: Pixels, labels: np.ndarray) -> None:
        """Fit to training pictures uint8 [n, height, width, channels] with labels int [n] of at least two classes."""
        import warnings

        from sklearn.exceptions import ConvergenceWarning
        from sklearn.linear_model import LogisticRegression

        chosen = drawn(labels)
        seen = _shrunken(pixels, chosen)
        self.middle, self.spread = seen.mean(axis=0), seen.std(axis=0) + 0.004
        self.model = LogisticRegression(C=0.1, max_iter=100)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the last digit of a baseline does not matter
            self.model.fit((seen - self.middle) / self.spread, labels[chosen])

    def __call__(self, pixels: Pixels, labels: np.ndarray) -> Baseline:
        """Its accuracy on other pictures."""
        seen = _shrunken(pixels, np.arange(len(labels)))
        predicted = self.model.predict((seen - self.middle) / self.spread)
        words = f"logistic regression on the pictures shrunken to {SIDE} x {SIDE}"
        return Baseline("logistic regression", float((predicted == labels).mean()), words)


def _shrunken(pixels: Pixels, rows: np.ndarray) -> np.ndarray:
    """Some of the pictures as few numbers each, taken out of their store a piece at a time."""
    step = rows_for(pixels.shape[1:])
    return np.concatenate([shrunken(pixels[rows[i : i + step]]) for i in range(0, len(rows), step)])


def drawn(labels: np.ndarray) -> np.ndarray:
    """Places, int64 ascending, of the training pictures that a baseline learns from, by all their labels int [n]."""
    order = np.random.default_rng(0).permutation(len(labels))
    firsts = order[np.unique(labels[order], return_index=True)[1]]  # one of each class, however rare
    return np.unique(np.concatenate([firsts, order[:PICTURES]]))

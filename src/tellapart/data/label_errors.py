"""Find labels that are probably wrong, from the predictions of models that were not trained on the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVEL = 0.5
"""The list of labels worth checking ends where the expected share of wrong ones in it would fall below this."""

TINY = 1e-12
"""Probabilities are raised to at least this before a logarithm is taken."""

LEAST = 0.2
"""A label that is wrong with a lower probability is not worth checking."""

CLEAR = 1.35
"""Gain of the log-likelihood from which there are wrong labels at all: the likelihood ratio test at 5 %, for a value at
the edge of its range (Self and Liang 1987)."""

MOST_FITTED = 20_000
"""Pictures that temperature and noise are fitted on, at most: more would not change two parameters."""


@dataclass(frozen=True, eq=False)
class LabelErrors:
    """Labels that are worth checking, the most suspect first, and how good the models are that suspect them.

    Attributes:
        positions: The pictures, int64 [k].
        suggested: The most probable other class of each, int64 [k].
        wrong: The probability that the label is wrong, float64 [k].
        agreement: The share of all labels that the models predict, 0..1.
        noise: The estimated share of all labels that are wrong, 0..1.
        suspected: The number of labels that the models contradict; only the first k are worth checking.
    """

    positions: np.ndarray
    suggested: np.ndarray
    wrong: np.ndarray
    agreement: float
    noise: float
    suspected: int

    @property
    def expected(self) -> float:
        """The expected number of wrong labels in the list."""
        return float(self.wrong.sum())


def find_label_errors(labels: np.ndarray, probabilities: np.ndarray, level: float = LEVEL) -> LabelErrors:
    """Return the labels that are worth checking, up to where the mean probability of being wrong falls below `level`.

    `labels` int [n]; `probabilities` float [n, classes] are out-of-fold predictions. See `suspect_labels` for the order
    and `fit_noise` for the probability that a label is wrong.
    """
    order, other = suspect_labels(labels, probabilities)
    temperature, noise = fit_noise(labels, probabilities)
    suspected = len(order)
    wrong = wrong_probabilities(labels[order], probabilities[order], temperature, noise)
    order, other, wrong = order[wrong >= LEAST], other[wrong >= LEAST], wrong[wrong >= LEAST]
    means = np.cumsum(wrong) / np.arange(1, len(order) + 1)
    enough = np.flatnonzero(means >= level)
    count = int(enough[-1]) + 1 if len(enough) else 0
    agreement = float((probabilities.argmax(axis=1) == labels).mean()) if len(labels) else 0.0
    return LabelErrors(order[:count], other[:count], wrong[:count], agreement, noise, suspected)


def suspect_labels(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the positions of suspect labels, int64 [k], the most suspect first, and the more probable class of each.

    `labels` int [n]; `probabilities` float [n, classes] are out-of-fold predictions. A label is suspect if another
    class is more probable than the models' mean confidence in it, and the given class is less probable than its mean.
    Sorted by the margin: the difference of the two probabilities. Source: confident learning (Northcutt and others
    2021).
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


def fit_noise(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, float]:
    """Return the temperature of the predictions and the share of wrong labels, 0..0.5, that explain the labels best.

    The model: the true class follows the predictions q with their logits divided by the temperature (Guo and others
    2017), and a share of the labels is replaced by one of the other classes at random (Copas 1988, "Binary regression
    models for contaminated data"). Both are fitted together by maximum likelihood. Models that are often wrong raise
    the temperature and cannot be mistaken for noise: the share of wrong labels is what remains where they are sure.
    """
    from scipy.optimize import minimize, minimize_scalar

    step = len(labels) // MOST_FITTED + 1
    logits, own = np.log(np.maximum(probabilities[::step], TINY)).astype(np.float64), labels[::step]
    others = probabilities.shape[1] - 1

    def loss(values: Sequence[float]) -> float:
        noise = _noise(values[1])
        own_class = _given(logits / _temperature(values[0]), own)
        return float(-np.log((1 - noise) * own_class + noise / others * (1 - own_class) + TINY).sum())

    clean = minimize_scalar(lambda value: loss((value, -np.inf)), bounds=(-3, 3), method="bounded")
    best = minimize(loss, (clean.x, -3.0), method="Nelder-Mead")
    if clean.fun - best.fun < CLEAR:
        return _temperature(clean.x), 0.0
    return _temperature(best.x[0]), _noise(best.x[1])


def wrong_probabilities(labels: np.ndarray, probabilities: np.ndarray, temperature: float, noise: float) -> np.ndarray:
    """Return the probability that each label is wrong, float64 [n], in the model of `fit_noise`, by Bayes' rule."""
    logits = np.log(np.maximum(probabilities, TINY)).astype(np.float64)
    own_class = _given(logits / temperature, labels)
    wrong: np.ndarray = noise / (probabilities.shape[1] - 1) * (1 - own_class)
    return wrong / np.maximum(wrong + (1 - noise) * own_class, TINY)


def _temperature(value: float) -> float:
    """A temperature from 0.05 to 20 for any number."""
    return float(np.exp(np.clip(value, -3, 3)))


def _noise(value: float) -> float:
    """A share from 0 to 0.5 for any number."""
    return float(0.5 / (1 + np.exp(-value)))


def _given(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The probability of the given class, float64 [n], from logits float64 [n, classes]."""
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: np.ndarray = np.exp(shifted[np.arange(len(labels)), labels]) / np.exp(shifted).sum(axis=1)
    return result

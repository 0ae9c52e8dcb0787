"""Probabilities that mean what they say, and the threshold below which an answer is not given."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from tellapart.errors import UsageError

TINY = np.float32(1e-12)
"""A probability below this counts as this much where logarithms are taken."""

POINTS = 200
"""A model file remembers at most so many thresholds."""


class Trade(BaseModel):
    """Answer from `threshold` up: this share of validation pictures is answered, with at most this rate of errors."""

    threshold: float
    coverage: float
    errors: float


def normalised(logarithms: np.ndarray) -> np.ndarray:
    """Probabilities [n, classes] from their logarithms, each row less any number of its own."""
    values = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    result: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return result


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [n, classes] as if the network's logits had been divided by a temperature."""
    if temperature == 1:
        return probabilities
    return normalised(np.log(np.maximum(probabilities, TINY)) / np.float32(temperature))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature with the lowest cross-entropy on validation answers float [n, classes] and labels int [n].

    Each label counts as 1 picture in n + 2 of another class (Platt 1999): were all answers right, certainty would
    otherwise have no end. It is 1 where another brings less than 1 nat over all pictures, which is what a parameter of
    no use brings (Akaike 1974). Source: Guo and others 2017, "On calibration of modern neural networks".
    """
    from scipy.optimize import minimize_scalar

    logarithms = np.log(np.maximum(probabilities, TINY)).astype(np.float64)
    count, classes = logarithms.shape
    doubt = 1 / (count + 2)
    targets = np.full((count, classes), doubt / (classes - 1))
    targets[np.arange(count), labels] = 1 - doubt

    def loss(log_temperature: float) -> float:
        scaled = logarithms / np.exp(log_temperature)
        scaled -= scaled.max(axis=1, keepdims=True)
        return float((np.log(np.exp(scaled).sum(axis=1)) - (targets * scaled).sum(axis=1)).sum())

    best = minimize_scalar(loss, bounds=(np.log(0.05), np.log(20)), method="bounded")
    return float(np.exp(best.x)) if loss(0.0) - best.fun > 1 else 1.0


def trades(probabilities: np.ndarray, labels: np.ndarray) -> tuple[Trade, ...]:
    """What can be promised by answering less often, from validation answers; thresholds and coverage fall.

    A trade's `errors` is (wrong + 1) / (answered + 1): as if one more picture were answered, and wrongly. That is a
    cautious estimate and no guarantee, since the threshold is chosen among many on the same pictures. Each trade
    promises less than all those of a lower threshold.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(probabilities.argmax(axis=1)[order] != labels[order])
    answered = np.arange(1, len(order) + 1)
    bound = (wrong + 1) / (answered + 1)
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))[::-1]  # equal ones are answered together
    found: list[Trade] = []
    for i in last.tolist():  # from answering everything to answering next to nothing
        if not found or bound[i] < found[-1].errors:
            threshold = float(confidence[order[i]]) if found else 0.0
            found.append(Trade(threshold=threshold, coverage=answered[i] / len(order), errors=float(bound[i])))
    kept = np.unique(np.linspace(0, len(found) - 1, min(POINTS, len(found))).round().astype(int))
    return tuple(found[i] for i in kept)


def threshold_for(at_most: float, known: tuple[Trade, ...]) -> Trade:
    """The trade that answers most at such a rate of errors. Raises UsageError where none can be promised."""
    if not known:
        raise no_validation(at_most)
    for trade in known:
        if trade.errors <= at_most:
            return trade
    raise UsageError(
        f"max-error-rate {at_most:.2%}: the validation split is too small, or the model too often wrong, to promise it",
        f"{known[-1].errors:.2%} or more, which answers {known[-1].coverage:.1%} of pictures",
        "allow more errors, or train on more pictures or with a larger --validation",
    )


def no_validation(at_most: float) -> UsageError:
    """The error for a threshold that no validation split can decide."""
    return UsageError(
        f"max-error-rate {at_most:.2%}: the model was trained without a validation split, or elsewhere",
        "a model that tellapart trained with a validation split, on which errors are counted",
        "train with --validation 0.1, or leave --max-error-rate out",
    )

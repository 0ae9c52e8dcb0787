"""Calibrate probabilities by temperature scaling, and choose the threshold below which an answer is "unsure"."""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel

from tellapart.errors import UsageError
from tellapart.text import percent

TINY = np.float32(1e-12)
"""Probabilities are raised to at least this before a logarithm is taken."""

POINTS = 200
"""The most thresholds that a model file stores."""


class ThresholdTradeoff(BaseModel):
    """What a confidence threshold brings on the validation split."""

    threshold: float
    """Answers with a lower probability are "unsure", 0..1."""

    coverage: float
    """Share of pictures that are answered, 0..1."""

    errors: float
    """Cautious estimate of the share of wrong answers among those given, 0..1."""


def normalised(logarithms: np.ndarray) -> np.ndarray:
    """Probabilities [n, classes] from their logarithms, which may be shifted by any constant in each row."""
    values = np.exp(logarithms - logarithms.max(axis=1, keepdims=True))
    result: np.ndarray = values / values.sum(axis=1, keepdims=True)
    return result


def tempered(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities [n, classes] as if the logits had been divided by `temperature`."""
    if temperature == 1:
        return probabilities
    return normalised(np.log(np.maximum(probabilities, TINY)) / np.float32(temperature))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature, 0.05..20, with the lowest cross-entropy on the validation split.

    `probabilities` float [n, classes], `labels` int [n]. Labels are smoothed as if 1 picture in n + 2 were of another
    class (Platt 1999); otherwise the best temperature for a network without errors would be 0. The result is 1 unless
    another temperature gains more than 1 nat over all pictures, which is what a useless parameter gains (Akaike 1974).
    Source: Guo and others 2017, "On calibration of modern neural networks".
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


def threshold_tradeoffs(probabilities: np.ndarray, labels: np.ndarray) -> tuple[ThresholdTradeoff, ...]:
    """Thresholds with the coverage and the error rate that each brings, in the order of rising thresholds.

    `probabilities` float [n, classes] and `labels` int [n] are those of the validation split. `errors` is (wrong + 1) /
    (answered + 1), as if one more picture were answered wrongly: a cautious estimate but not a guarantee, because the
    threshold is chosen among many on the same pictures. Each entry has fewer errors than all entries before it.
    """
    confidence = probabilities.max(axis=1)
    order = np.argsort(-confidence, kind="stable")
    wrong = np.cumsum(probabilities.argmax(axis=1)[order] != labels[order])
    answered = np.arange(1, len(order) + 1)
    bound = (wrong + 1) / (answered + 1)
    last = np.flatnonzero(np.append(np.diff(confidence[order]) != 0, True))[
        ::-1
    ]  # equal confidences are answered together
    tradeoffs: list[ThresholdTradeoff] = []
    for i in last.tolist():  # from full coverage to almost none
        if not tradeoffs or bound[i] < tradeoffs[-1].errors:
            threshold = float(confidence[order[i]]) if tradeoffs else 0.0
            tradeoffs.append(
                ThresholdTradeoff(threshold=threshold, coverage=answered[i] / len(order), errors=float(bound[i]))
            )
    kept = np.unique(np.linspace(0, len(tradeoffs) - 1, min(POINTS, len(tradeoffs))).round().astype(int))
    return tuple(tradeoffs[i] for i in kept)


def threshold_for(max_error_rate: float, tradeoffs: tuple[ThresholdTradeoff, ...]) -> ThresholdTradeoff:
    """The entry with the highest coverage whose error rate is at most `max_error_rate`, 0..1.

    Raises UsageError where no threshold reaches it.
    """
    if not tradeoffs:
        raise no_validation(max_error_rate)
    for tradeoff in tradeoffs:
        if tradeoff.errors <= max_error_rate:
            return tradeoff
    raise UsageError(
        f"max-error-rate {percent(max_error_rate)}: the validation split is too small, or too many answers are wrong",
        f"{percent(tradeoffs[-1].errors)} or more, where {percent(tradeoffs[-1].coverage)} of pictures are answered",
        "allow a higher rate, train on more pictures, or use a larger --validation",
    )


def no_validation(max_error_rate: float) -> UsageError:
    """The error for a threshold that no validation split can decide."""
    return UsageError(
        f"max-error-rate {percent(max_error_rate)}: the model was trained without a validation split",
        "a model that tellapart trained with a validation split, on which errors are counted",
        "train with --validation 0.1, or leave --max-error-rate out",
    )

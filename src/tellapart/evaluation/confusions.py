"""Pairs of classes that are confused: which pictures of one class are predicted as another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tellapart.evaluation.labelled_predictions import LabelledPredictions


@dataclass(frozen=True, eq=False)
class Confusion:
    """Pictures of the class `true` that were predicted as `predicted`, both positions in the class names.

    `positions` int64 [n] are their positions in the evaluation, the most confident predictions first. `share` is their
    share of the true class, 0 to 1.
    """

    true: int
    predicted: int
    positions: np.ndarray
    share: float


def confusions(predictions: LabelledPredictions) -> list[Confusion]:
    """Return all confused pairs of classes, those with the most pictures first, then those with the highest share."""
    wrong = np.flatnonzero(~predictions.is_correct)
    confidence = predictions.probabilities.max(axis=1)
    wrong = wrong[np.argsort(-confidence[wrong], kind="stable")]
    totals = predictions.confusion.sum(axis=1)
    members: dict[tuple[int, int], list[int]] = {}
    for position, true, predicted in zip(wrong, predictions.labels[wrong], predictions.predicted[wrong], strict=True):
        members.setdefault((int(true), int(predicted)), []).append(int(position))
    pairs = [
        Confusion(true, predicted, np.array(positions), len(positions) / int(totals[true]))
        for (true, predicted), positions in members.items()
    ]
    return sorted(pairs, key=lambda pair: (-len(pair.positions), -pair.share, pair.true, pair.predicted))

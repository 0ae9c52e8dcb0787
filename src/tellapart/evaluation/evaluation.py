"""The evaluation of a classifier on one split: its metrics with texts, drawings and JSON."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from tellapart.classifier.calibration import tempered
from tellapart.classifier.classifier import Classifier
from tellapart.evaluation import intervals, metrics, rendering
from tellapart.evaluation.labelled_predictions import LabelledPredictions
from tellapart.plots.answers import Calibration, Coverage, Intervals
from tellapart.plots.confusion import NUMBERED, ConfusionMatrix
from tellapart.plots.ordering import confusion_order

FEWEST, POINTS = 20, 120
"""A curve over the answered pictures starts where this number is answered, if there are twice as many pictures; and the
largest number of its points."""


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation(LabelledPredictions):
    """A classifier's predictions on one split with their metrics, as text, drawings and JSON.

    The fields and metrics are those of `LabelledPredictions`. Printing it gives all tables; a notebook shows a summary.
    """

    @property
    def caveats(self) -> list[str]:
        """The limits of its intervals and of its confidence threshold, one sentence each."""
        return rendering.caveats(self)

    def in_words(self) -> str:
        """Return the accuracy with its interval as a sentence."""
        return rendering.in_words(self)

    def weakest_class(self) -> str | None:
        """Return a line about the class with the lowest recall; None if no picture was misclassified."""
        return rendering.weakest_class(self)

    def details(self) -> str:
        """Return the same text as `str`, which has all metrics."""
        return str(self)

    def headline(self) -> str:
        """Return the most important metrics in one line."""
        return rendering.headline(self)

    def baseline(self) -> str:
        """Return the accuracies of the baselines in one line."""
        return rendering.baseline(self)

    def best_baseline(self) -> str:
        """Return the accuracy of the best baseline in one line."""
        return rendering.best_baseline(self)

    def confidence(self) -> str:
        """Return how well the probabilities are calibrated, in one line."""
        return rendering.confidence(self)

    def notes(self) -> list[str]:
        """Return everything a reader of the metrics should know, one line each."""
        return rendering.notes(self)

    def __str__(self) -> str:
        return rendering.as_text(self)

    def __repr__(self) -> str:
        return f"<Evaluation {self.headline()}>"

    def _repr_html_(self) -> str:
        return rendering.as_html(self)

    def confusion_matrix(self, normalized: bool = False) -> ConfusionMatrix:
        """Return the confusion matrix as a drawing; `normalized`: with the shares of each true class, no counts."""
        return ConfusionMatrix(self.confusion, self.class_names, normalized, self._ordering)

    @cached_property
    def _ordering(self) -> tuple[np.ndarray, np.ndarray] | None:
        """The order of many classes in drawings of the confusion matrix, see `confusion_order`."""
        return confusion_order(self.confusion) if len(self.class_names) > NUMBERED else None

    def calibration(self) -> Calibration:
        """Return the reliability diagram: confidence against accuracy."""
        bins = metrics.reliability(self.probabilities, self.labels)
        bounds = [intervals.share(round(count * accuracy) if count else 0, int(count)) for count, _, accuracy in bins]
        return Calibration(bins, self.calibration_error, np.array(bounds))

    def coverage(self) -> Coverage:
        """Return a drawing of the share of wrong answers against the share of answered pictures, by threshold.

        The curve starts where FEWEST pictures are answered: the share among fewer says little.
        """
        confidence = self.probabilities.max(axis=1)
        order = np.argsort(-confidence, kind="stable")
        wrong = np.cumsum(self.predicted[order] != self.labels[order])
        last = np.append(np.diff(confidence[order]) != 0, True)  # equal probabilities are answered together
        places = np.flatnonzero(last)
        places = places[places + 1 >= (FEWEST if self.count >= 2 * FEWEST else 1)]
        chosen = np.linspace(0, len(places) - 1, min(POINTS, len(places))).round().astype(int)
        if self.threshold is not None:  # whose point is marked on the curve
            kept = int((confidence[order][places] >= self.threshold).sum()) - 1
            chosen = np.unique(np.append(chosen, max(0, kept)))
        places = places[chosen][::-1]
        answered = places + 1
        bounds = [intervals.share(int(w), int(n)) for w, n in zip(wrong[places], answered, strict=True)]
        return Coverage(
            confidence[order][places].astype(float),
            answered / self.count,
            wrong[places] / answered,
            self.threshold,
            np.array(bounds),
        )

    def class_metrics(self, name: str = "f1") -> Intervals:
        """Return `precision`, `recall` or `f1` of each class with its interval, as a drawing."""
        rows = [row for row in self.per_class() if row[name] is not None]
        values, bounds = (np.array([row[key] for row in rows]) for key in (name, f"{name}_interval"))
        label = {"f1": "F1", "precision": "precision", "recall": "recall"}[name]
        return Intervals([row["class"] for row in rows], values, bounds, label)

    def with_leaks(self, places: np.ndarray) -> Self:
        """Return the same evaluation with the pictures at these places of the collection, int [m], marked as leaked."""
        leaked = np.isin(self.indices, places)
        return replace(self, leaked=leaked) if leaked.any() else self

    def calibrated(self, classifier: Classifier) -> Self:
        """Return the evaluation that the classifier gives after its calibration, from predictions made before it."""
        temperature = classifier.record.temperature
        probabilities = tempered(self.probabilities, temperature)
        return replace(self, probabilities=probabilities, temperature=temperature, threshold=classifier.threshold)

    def summary(self) -> dict[str, Any]:
        """Return the most important metrics as JSON-ready data."""
        summary = {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "loss_name": self.loss_name,
            "count": self.count,
            "correct": self.correct,
            "calibration_error": self.calibration_error,
            "baselines": [baseline.to_dict() for baseline in self.baselines],
        }
        if self.threshold is not None:
            summary["answered"] = self.answered()
        if self.ood_scores is not None:
            summary["out_of_distribution"] = self.out_of_distribution()
        if self.ood is not None:
            summary["ood"] = self.ood.to_dict()
        if self.leaked is not None:
            summary |= {"leaked": int(self.leaked.sum()), "without_leaks": self.without_leaks()}
        if self.folds:
            summary["folds"] = list(self.folds)
        if self.groups is not None:
            summary["groups"] = len(np.unique(self.groups))
        if self.caveats:
            summary["caveats"] = self.caveats
        if self.test_evaluations is not None:
            summary["test_evaluations"] = self.test_evaluations
        return summary

    def to_dict(self) -> dict[str, Any]:
        """Return all metrics as JSON-ready data."""
        return self.summary() | {
            "split": self.split,
            "classes": list(self.class_names),
            "metrics": [metric.to_dict() for metric in self.metrics],
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
            "calibration": self.calibration().to_dict(),
            "coverage": self.coverage().to_dict(),
            "mistakes": [mistake.to_dict() for mistake in self.mistakes(100)],
            "skipped": [item.to_dict() for item in self.skipped],
            "inferred": list(self.inferred),
            "notes": list(self.data_notes),
        }

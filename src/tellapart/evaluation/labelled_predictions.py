"""Predictions for labelled pictures, and every metric that they give."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tellapart.classifier.ood import OOD_THRESHOLD
from tellapart.data.collection import Skipped
from tellapart.evaluation import intervals, metrics
from tellapart.evaluation.baselines import Baseline
from tellapart.evaluation.metric import Metric
from tellapart.evaluation.mistake import Mistake
from tellapart.evaluation.ood_result import OodResult

SQUARED_ERROR = "mean squared error"


@dataclass(frozen=True, eq=False, repr=False)
class LabelledPredictions:
    """A classifier's predictions on one split, with the true labels.

    `labels` int64 [n] are positions in `class_names`, the classifier's order; `probabilities` are float32 [n, classes];
    `indices` int64 [n] point into the collection, whose `keys` name the pictures. The first of the `baselines` always
    predicts one class. `temperature` and `threshold` are the classifier's. `test_evaluations`, if known, counts
    evaluations of its test split. `ood_scores` float [n], if the model has an OOD detector, are between 0 and 1; a
    higher score is less like the training data. `leaked` bool [n], if not None, marks pictures that also occur in
    training. `folds` are the accuracies of the models of a cross-validation, each on its held-out fold. `groups` [n],
    if the data has them, are the names of each picture's group, such as a subject or burst. `inferred` and `data_notes`
    are those of the collection: how it was read, and what is odd in it.
    """

    split: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    indices: np.ndarray
    keys: tuple[str, ...]
    loss_name: str
    baselines: tuple[Baseline, ...]
    skipped: tuple[Skipped, ...] = field(default=())
    temperature: float = 1.0
    threshold: float | None = None
    test_evaluations: int | None = None
    ood_scores: np.ndarray | None = None
    ood: OodResult | None = None
    leaked: np.ndarray | None = None
    folds: tuple[float, ...] = field(default=())
    groups: np.ndarray | None = None
    inferred: tuple[str, ...] = field(default=())
    data_notes: tuple[str, ...] = field(default=())

    @property
    def count(self) -> int:
        """Number of evaluated pictures."""
        return len(self.labels)

    @property
    def predicted(self) -> np.ndarray:
        """The predicted class of each picture, int64 [n]: the one with the highest probability."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @property
    def is_correct(self) -> np.ndarray:
        """Whether each picture was classified correctly, bool [n]."""
        return np.asarray(self.predicted == self.labels)

    @cached_property
    def confusion(self) -> np.ndarray:
        """Counts int64 [classes, classes]: true classes in rows, predicted classes in columns."""
        return metrics.confusion_matrix(self.labels, self.predicted, len(self.class_names))

    @property
    def correct(self) -> int:
        """Number of pictures that were classified correctly."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """Share of pictures that were classified correctly."""
        return self.correct / self.count

    @cached_property
    def accuracy_interval(self) -> tuple[float, float]:
        """95 % interval of the accuracy. With groups, these count as the independent units, not the pictures."""
        return self._accuracy_interval(np.ones(self.count, bool))

    def _accuracy_interval(self, chosen: np.ndarray) -> tuple[float, float]:
        """Return the 95 % interval of the accuracy on the chosen pictures, bool [n]."""
        is_correct = self.is_correct[chosen]
        if self.groups is None:
            return intervals.share(int(is_correct.sum()), len(is_correct))
        return intervals.share_of_groups(is_correct, self.groups[chosen])

    @property
    def baseline_accuracy(self) -> float:
        """Accuracy of always predicting the most frequent class of the training data."""
        return self.baselines[0].accuracy

    @cached_property
    def loss(self) -> float:
        """The loss that training minimised, here: cross-entropy in nats, or the mean squared error."""
        squared = self.loss_name == SQUARED_ERROR
        return (metrics.squared_error if squared else metrics.log_loss)(self.probabilities, self.labels)

    @cached_property
    def calibration_error(self) -> float:
        """Expected calibration error, 0 to 1."""
        return metrics.calibration_error(self.probabilities, self.labels)

    @cached_property
    def roc_aucs(self) -> np.ndarray:
        """Area under the ROC curve of each class against the others, float [classes]; NaN where not defined."""
        return metrics.roc_aucs(self.probabilities, self.labels)

    @cached_property
    def average_precisions(self) -> np.ndarray:
        """Average precision of each class against the others, float [classes]; NaN where not defined."""
        return metrics.average_precisions(self.probabilities, self.labels)

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """All metrics over the whole split, each with its definition."""
        values, labels = self.probabilities, self.labels
        mean = "of the second class" if len(self.class_names) == 2 else "mean over classes, each against the others"
        whole = [
            *self._accuracies(),
            Metric("log loss", metrics.log_loss(values, labels), "mean of -ln p of the true class, in nats"),
            Metric(
                "Brier score", metrics.brier_score(values, labels),
                "squared error of the probabilities, summed over classes; 0 to 2",
            ),
            Metric("ROC AUC", _mean_over_classes(self.roc_aucs), f"area under the ROC curve, {mean}"),
            Metric(
                "average precision", _mean_over_classes(self.average_precisions),
                f"area under the precision-recall curve, summed in steps, {mean}",
            ),
            Metric(
                "calibration error", self.calibration_error,
                "expected calibration error: mean difference between confidence and accuracy, in "
                f"{metrics.BINS} bins of confidence",
            ),
        ]  # fmt: skip
        if self.loss_name == SQUARED_ERROR:
            definition = "squared error of the probabilities, mean over pictures and classes; the training loss"
            whole.append(Metric(SQUARED_ERROR, self.loss, definition))
        return tuple(whole)

    def _accuracies(self) -> list[Metric]:
        """Accuracy, balanced accuracy and, with enough classes, top-3 and top-5 accuracy."""
        counts = self.confusion.sum(axis=1)
        present = counts > 0
        by_groups = "" if self.groups is None else ", by groups"
        accuracies = [
            Metric(
                "accuracy", self.accuracy, f"share of pictures classified correctly; Wilson interval{by_groups}",
                self.accuracy_interval,
            ),
            Metric(
                "balanced accuracy", metrics.balanced_accuracy(self.confusion),
                "mean recall over the classes; interval by Zou and Donner",
                intervals.mean_of_shares(np.diag(self.confusion)[present], counts[present]),
            ),
        ]  # fmt: skip
        for k in (3, 5):
            if k < len(self.class_names):
                value = metrics.top_accuracy(self.probabilities, self.labels, k)
                definition = f"share of pictures whose class is among the {k} most probable; Wilson interval"
                interval = intervals.share(round(value * self.count), self.count)
                accuracies.append(Metric(f"top-{k} accuracy", value, definition, interval))
        return accuracies

    def per_class(self) -> list[dict[str, Any]]:
        """Return one row per class: counts, precision, recall and F1 with intervals, areas, and the main confusion.

        `count` pictures belong to the class, `correct` of them were classified correctly, and `predicted` pictures were
        predicted as it. `most_confused_with` is the class that its misclassified pictures were most often predicted
        as. `enough_pictures` is false if there are too few pictures for meaningful metrics. Undefined values are None.
        """
        return [self._class_row(c) for c in range(len(self.class_names))]

    def _class_row(self, c: int) -> dict[str, Any]:
        true, predicted = int(self.confusion[c].sum()), int(self.confusion[:, c].sum())
        correct = int(self.confusion[c, c])
        confusions = self.confusion[c].copy()
        confusions[c] = 0
        return {
            "class": self.class_names[c],
            "count": true,
            "correct": correct,
            "predicted": predicted,
            "precision": correct / predicted if predicted else None,
            "precision_interval": list(intervals.share(correct, predicted)),
            "recall": correct / true if true else None,
            "recall_interval": list(intervals.share(correct, true)),
            "f1": 2 * correct / (true + predicted) if true + predicted else None,
            "f1_interval": list(intervals.f1(correct, true, predicted)),
            "roc_auc": _none_if_nan(self.roc_aucs[c]),
            "average_precision": _none_if_nan(self.average_precisions[c]),
            "enough_pictures": true >= intervals.ENOUGH,
            "most_confused_with": self.class_names[int(confusions.argmax())] if confusions.any() else None,
        }

    def mistakes(self, count: int | None = None) -> list[Mistake]:
        """Return the misclassified pictures, or the first `count` of them, the most confident predictions first."""
        predicted, confidence = self.predicted, self.probabilities.max(axis=1)
        wrong = np.flatnonzero(predicted != self.labels)
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
        names = self.class_names
        return [
            Mistake(int(i), self.keys[i], names[self.labels[i]], names[predicted[i]], float(confidence[i]))
            for i in wrong
        ]

    def answered(self) -> dict[str, float] | None:
        """Return the share of pictures that get an answer with the classifier's threshold (`coverage`) and the share of
        wrong answers among these (`error`); None without a threshold.
        """
        if self.threshold is None:
            return None
        given = self.probabilities.max(axis=1) >= self.threshold
        wrong = ~self.is_correct & given
        error = wrong.sum() / given.sum() if given.any() else 0.0
        return {"threshold": self.threshold, "coverage": float(given.mean()), "error": float(error)}

    def without_leaks(self) -> dict[str, Any] | None:
        """Return the accuracy, its interval and the count of the pictures that do not occur in training; None if no
        pictures leaked, or all did.
        """
        if self.leaked is None or self.leaked.all():
            return None
        is_correct = self.is_correct[~self.leaked]
        interval = list(self._accuracy_interval(~self.leaked))
        return {"accuracy": float(is_correct.mean()), "accuracy_interval": interval, "count": len(is_correct)}

    def out_of_distribution(self) -> float | None:
        """Return the share of pictures flagged as out-of-distribution; None if the model has no OOD detector."""
        return None if self.ood_scores is None else float((self.ood_scores > OOD_THRESHOLD).mean())


def _mean_over_classes(values: np.ndarray) -> float | None:
    """Return the mean of a metric over the classes that define it; for two classes, the value of the second."""
    known = values[1:] if len(values) == 2 else values[~np.isnan(values)]
    return _none_if_nan(known.mean()) if len(known) else None


def _none_if_nan(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

"""The answers of a classifier on one part of a collection, and every figure and drawing that they give."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from tellapart.classifier.calibration import tempered
from tellapart.classifier.classifier import Classifier
from tellapart.classifier.ood import OOD_THRESHOLD
from tellapart.data.collection import Skipped
from tellapart.evaluation import intervals, metrics, words
from tellapart.evaluation.baselines import Baseline
from tellapart.plots.answers import Calibration, ConfusionMatrix, Coverage, Intervals


@dataclass(frozen=True)
class Measure:
    """A figure by the name that the field has for it, its interval where it has one, and what it means.

    `value` is None where it is not defined, as the area of a class that no picture is of.
    """

    name: str
    value: float | None
    definition: str
    interval: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        found = {"name": self.name, "value": self.value, "definition": self.definition}
        return found | ({"interval": list(self.interval)} if self.interval else {})

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        if self.interval is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} ({self.interval[0]:.4f} to {self.interval[1]:.4f})"


@dataclass(frozen=True)
class Mistake:
    """A picture whose class was not named rightly: its place in the part, its key, both classes, the probability."""

    position: int
    key: str
    true: str
    predicted: str
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        found = {"file": self.key, "true": self.true, "predicted": self.predicted, "probability": self.probability}
        return {"position": self.position} | found


@dataclass(frozen=True)
class OodResult:
    """How well pictures of another kind are told from familiar ones, by novelty: the area under the ROC curve, and the
    shares of both that are called unfamiliar.
    """

    name: str
    count: int
    roc_area: float
    flagged: float
    falsely_flagged: float

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"unlike: {self.count:,} pictures of {self.name} are told from familiar ones with ROC area "
            f"{self.roc_area:.4f}; {self.flagged:.1%} of them and {self.falsely_flagged:.1%} of familiar ones are "
            "called unfamiliar"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """A classifier's answers on one part, and their figures.

    `labels` int64 [n] by the classifier's order of classes, `probabilities` float32 [n, classes], `indices` int64 [n]
    into the collection whose `keys` name the pictures. `baselines` begin with that of always naming one class.
    `temperature` and `threshold` are the classifier's; `looks`, where known, is how often its test split was opened;
    `ood_scores` float [n], where the model has an OOD detector, is how unlike its training data each picture is, 0..1.
    `leaked`
    bool [n], where any are, marks pictures that training has seen too; `folds` are, of a cross-validation, the
    accuracies of its models, each on its own share of the pictures; `groups` [n], where the data has such, are the
    names of what belongs together, a subject or a burst.
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
    looks: int | None = None
    ood_scores: np.ndarray | None = None
    ood: OodResult | None = None
    leaked: np.ndarray | None = None
    folds: tuple[float, ...] = field(default=())
    groups: np.ndarray | None = None

    @cached_property
    def confusion(self) -> np.ndarray:
        """Counts int64 [classes, classes]: the true class a row, the predicted one a column."""
        return metrics.confusion_matrix(self.labels, self.probabilities.argmax(axis=1), len(self.class_names))

    @property
    def count(self) -> int:
        """Pictures that were looked at."""
        return len(self.labels)

    @property
    def correct(self) -> int:
        """Pictures whose class was named rightly."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share of pictures whose class was named rightly."""
        return self.correct / self.count

    @cached_property
    def accuracy_interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy; where there are groups, these are what counts as independent."""
        return self._interval(np.ones(self.count, bool))

    @property
    def _right(self) -> np.ndarray:
        """Whether the class of each picture was named rightly, bool [n]."""
        return self.probabilities.argmax(axis=1) == self.labels

    def _interval(self, among: np.ndarray) -> tuple[float, float]:
        """The 95 % interval of the accuracy on some of the pictures, bool [n]."""
        right = self._right[among]
        if self.groups is None:
            return intervals.share(int(right.sum()), len(right))
        return intervals.share_of_groups(right, self.groups[among])

    @property
    def caveats(self) -> list[str]:
        """What has to be said of its intervals and its limit, a sentence each, wherever these stand."""
        return words.caveats(self)

    @cached_property
    def loss(self) -> float:
        """What training minimised, here: cross-entropy in nats, or the mean squared error."""
        squared = self.loss_name == "mean squared error"
        return (metrics.squared_error if squared else metrics.log_loss)(self.probabilities, self.labels)

    @property
    def baseline_accuracy(self) -> float:
        """The accuracy of always naming the class that training has most of."""
        return self.baselines[0].accuracy

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """All figures of the whole part, each with its definition."""
        labels, values, matrix = self.labels, self.probabilities, self.confusion
        counts = matrix.sum(axis=1)
        there = counts > 0
        found = [
            Measure(
                "accuracy", self.accuracy, "share of pictures whose class is named rightly; Wilson's interval"
                + ("" if self.groups is None else ", by groups"), self.accuracy_interval,
            ),
            Measure(
                "balanced accuracy", metrics.balanced_accuracy(matrix),
                "mean over the classes of the share of their pictures named rightly; intervals after Zou and Donner",
                intervals.mean_of_shares(np.diag(matrix)[there], counts[there]),
            ),
        ]  # fmt: skip
        for k in (3, 5):
            if k < len(self.class_names):
                value = metrics.top_accuracy(values, labels, k)
                words = f"share of pictures whose class is among the {k} likeliest; Wilson's interval"
                found.append(
                    Measure(f"top-{k} accuracy", value, words, intervals.share(round(value * len(labels)), len(labels)))
                )
        one = " of the second class" if len(self.class_names) == 2 else ", mean of each class against the others"
        found += [
            Measure("log loss", metrics.log_loss(values, labels), "mean of -ln p of the true class, in nats"),
            Measure(
                "Brier score", metrics.brier_score(values, labels),
                "squared error of the probabilities, summed over classes, 0 to 2",
            ),
            Measure("ROC area", self._mean(self.roc_areas), f"area under the ROC curve{one}"),
            Measure("PR area", self._mean(self.pr_areas), f"average precision{one}"),
            Measure(
                "calibration error", metrics.calibration_error(values, labels),
                f"mean distance between the answers' probabilities and the share of right ones, in {metrics.BINS} bins",
            ),
        ]  # fmt: skip
        if self.loss_name == "mean squared error":
            words = "squared error of the probabilities, mean over pictures and classes; what training minimised"
            found.append(Measure("mean squared error", self.loss, words))
        return tuple(found)

    @cached_property
    def roc_areas(self) -> np.ndarray:
        """Area under the ROC curve of each class against the others, NaN where there is none."""
        return metrics.roc_areas(self.probabilities, self.labels)

    @cached_property
    def pr_areas(self) -> np.ndarray:
        """Average precision of each class against the others, NaN where there is none."""
        return metrics.pr_areas(self.probabilities, self.labels)

    def per_class(self) -> list[dict[str, Any]]:
        """A row a class: its pictures, precision, recall and F1 with intervals, areas, and what it is taken for.

        `count` pictures are of it, `correct` of them named rightly, `predicted` pictures taken for it. `enough` is
        false where there are too few of them for its figures to say anything. What is not defined is None.
        """
        rows = []
        for c, name in enumerate(self.class_names):
            true, predicted, right = (
                int(n) for n in (self.confusion[c].sum(), self.confusion[:, c].sum(), self.confusion[c, c])
            )
            others = self.confusion[c].copy()
            others[c] = 0
            rows.append(
                {
                    "class": name,
                    "count": true,
                    "correct": right,
                    "predicted": predicted,
                    "precision": right / predicted if predicted else None,
                    "precision_interval": list(intervals.share(right, predicted)),
                    "recall": right / true if true else None,
                    "recall_interval": list(intervals.share(right, true)),
                    "f1": 2 * right / (true + predicted) if true + predicted else None,
                    "f1_interval": list(intervals.f1(right, true, predicted)),
                    "roc_area": _number(self.roc_areas[c]),
                    "pr_area": _number(self.pr_areas[c]),
                    "enough": true >= intervals.ENOUGH,
                    "taken_for": self.class_names[int(others.argmax())] if others.any() else None,
                }
            )
        return rows

    def mistakes(self, count: int | None = None) -> list[Mistake]:
        """The pictures whose class was not named rightly, the most confident answers first."""
        predicted, confidence = self.probabilities.argmax(axis=1), self.probabilities.max(axis=1)
        wrong = np.flatnonzero(predicted != self.labels)
        wrong = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
        names = self.class_names
        return [
            Mistake(int(i), self.keys[i], names[self.labels[i]], names[predicted[i]], float(confidence[i]))
            for i in wrong
        ]

    def confusion_matrix(self) -> ConfusionMatrix:
        """The confusions as a drawing."""
        return ConfusionMatrix(self.confusion, self.class_names)

    def calibration(self) -> Calibration:
        """What the probabilities promise against what is right."""
        values = self.probabilities, self.labels
        return Calibration(metrics.reliability(*values), metrics.calibration_error(*values))

    def coverage(self) -> Coverage:
        """The share of pictures that are answered against the share of wrong answers, over all thresholds."""
        confidence = self.probabilities.max(axis=1)
        order = np.argsort(-confidence, kind="stable")
        wrong = np.cumsum(self.probabilities.argmax(axis=1)[order] != self.labels[order])
        answered = np.arange(1, len(order) + 1)
        last = np.append(np.diff(confidence[order]) != 0, True)  # equal probabilities are answered together
        points = (confidence[order][last], answered[last] / len(order), wrong[last] / answered[last])
        thresholds, coverage, errors = (column[::-1].astype(float) for column in points)
        return Coverage(thresholds, coverage, errors, self.threshold)

    def class_figures(self, name: str = "f1") -> Intervals:
        """`precision`, `recall` or `f1` of each class with its interval, as a drawing."""
        rows = [row for row in self.per_class() if row[name] is not None]
        values, arms = (np.array([row[key] for row in rows]) for key in (name, f"{name}_interval"))
        label = {"f1": "F1", "precision": "precision", "recall": "recall"}[name]
        return Intervals([row["class"] for row in rows], values, arms, label)

    def answered(self) -> dict[str, float] | None:
        """With the classifier's threshold: the share of pictures answered and of those, of wrong answers."""
        if self.threshold is None:
            return None
        given = self.probabilities.max(axis=1) >= self.threshold
        wrong = (self.probabilities.argmax(axis=1) != self.labels) & given
        error = wrong.sum() / given.sum() if given.any() else 0.0
        return {"threshold": self.threshold, "coverage": float(given.mean()), "error": float(error)}

    def with_leaks(self, places: np.ndarray) -> Evaluation:
        """The same answers, some of them about pictures that training has seen too: their places in the collection."""
        leaked = np.isin(self.indices, places)
        return replace(self, leaked=leaked) if leaked.any() else self

    def without_leaks(self) -> dict[str, Any] | None:
        """The accuracy on the pictures that training has not seen too, where there are others."""
        if self.leaked is None or self.leaked.all():
            return None
        right = self._right[~self.leaked]
        interval = list(self._interval(~self.leaked))
        return {"accuracy": float(right.mean()), "accuracy_interval": interval, "count": len(right)}

    def out_of_distribution(self) -> float | None:
        """The share of pictures that are called unfamiliar, where the model can tell."""
        return None if self.ood_scores is None else float((self.ood_scores > OOD_THRESHOLD).mean())

    def calibrated(self, classifier: Classifier) -> Evaluation:
        """The same answers, given before the classifier had been calibrated, as it would give them now."""
        temperature = classifier.record.temperature
        values = tempered(self.probabilities, temperature)
        return replace(self, probabilities=values, temperature=temperature, threshold=classifier.threshold)

    def summary(self) -> dict[str, Any]:
        """The headline figures, for machines."""
        found = {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "loss_name": self.loss_name,
            "count": self.count,
            "correct": self.correct,
            "calibration_error": metrics.calibration_error(self.probabilities, self.labels),
            "baselines": [baseline.to_dict() for baseline in self.baselines],
        }
        found |= {"answered": self.answered()} if self.threshold is not None else {}
        found |= {"out_of_distribution": self.out_of_distribution()} if self.ood_scores is not None else {}
        found |= {"ood": self.ood.to_dict()} if self.ood is not None else {}
        found |= (
            {"leaked": int(self.leaked.sum()), "without_leaks": self.without_leaks()} if self.leaked is not None else {}
        )
        found |= {"folds": list(self.folds)} if self.folds else {}
        found |= {"groups": len(np.unique(self.groups))} if self.groups is not None else {}
        found |= {"caveats": self.caveats} if self.caveats else {}
        return found | ({"looks": self.looks} if self.looks is not None else {})

    def to_dict(self) -> dict[str, Any]:
        """All figures, for machines."""
        return self.summary() | {
            "split": self.split,
            "classes": list(self.class_names),
            "measures": [measure.to_dict() for measure in self.measures],
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
            "calibration": self.calibration().to_dict(),
            "coverage": self.coverage().to_dict(),
            "mistakes": [mistake.to_dict() for mistake in self.mistakes(100)],
            "skipped": [item.to_dict() for item in self.skipped],
        }

    def headline(self) -> str:
        """The figures that matter most, in a line."""
        return words.headline(self)

    def baseline(self) -> str:
        """What next to no skill would reach, in a line."""
        return words.baseline(self)

    def confidence(self) -> str:
        """How far the probabilities can be trusted, in a line."""
        return words.confidence(self)

    def notes(self) -> list[str]:
        """What has to be said beside the figures, a line each."""
        return words.notes(self)

    def __str__(self) -> str:
        return words.text(self)

    def __repr__(self) -> str:
        return f"<Evaluation {self.headline()}>"

    def _repr_html_(self) -> str:
        return words.as_html(self)

    def _mean(self, areas: np.ndarray) -> float | None:
        """Of a figure of each class; of two classes, that of the second."""
        known = areas[1:] if len(areas) == 2 else areas[~np.isnan(areas)]
        return _number(known.mean()) if len(known) else None


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

"""A classifier's answers on one part of a collection, and the figures drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np

from tellapart.classifier.classifier import Classifier
from tellapart.data.collection import Collection, SetAside
from tellapart.data.feeding import prepare_pictures
from tellapart.errors import DataError
from tellapart.evaluation.metrics import accuracy_interval, confusion_matrix, log_loss, squared_error
from tellapart.progress import Listener, Progress, silent
from tellapart.text import columns

BATCH = 2048


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """Figures of one part. `confusion` int64 [classes, classes] has the true class a row, the predicted a column."""

    part: str
    class_names: tuple[str, ...]
    loss: float
    loss_name: str
    confusion: np.ndarray
    baseline_class: str
    accuracy_interval: tuple[float, float]
    set_aside: tuple[SetAside, ...] = field(default=())

    @property
    def count(self) -> int:
        """Pictures that were looked at."""
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        """Pictures whose class was named rightly."""
        return int(np.trace(self.confusion))

    @property
    def accuracy(self) -> float:
        """The share of pictures whose class was named rightly."""
        return self.correct / self.count

    @property
    def baseline_accuracy(self) -> float:
        """The accuracy of always naming the class that training has most of."""
        return float(self.confusion[self.class_names.index(self.baseline_class)].sum()) / self.count

    def per_class(self) -> list[dict[str, Any]]:
        """A row a class: name, pictures of it, how many were named rightly, how many pictures were taken for it."""
        return [
            {
                "class": name,
                "count": int(self.confusion[c].sum()),
                "correct": int(self.confusion[c, c]),
                "predicted": int(self.confusion[:, c].sum()),
            }
            for c, name in enumerate(self.class_names)
        ]

    def summary(self) -> dict[str, Any]:
        """The headline figures, for machines."""
        return {
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "loss_name": self.loss_name,
            "count": self.count,
            "correct": self.correct,
            "baseline": {"class": self.baseline_class, "accuracy": self.baseline_accuracy},
        }

    def to_dict(self) -> dict[str, Any]:
        """All figures, for machines."""
        return self.summary() | {
            "part": self.part,
            "classes": list(self.class_names),
            "per_class": self.per_class(),
            "confusion": self.confusion.tolist(),
            "set_aside": [item.to_dict() for item in self.set_aside],
        }

    def headline(self) -> str:
        """The figures that matter most, in a line."""
        low, high = self.accuracy_interval
        return (
            f"{self.part}: accuracy {self.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}), "
            f"loss {self.loss:.4f}, {self.correct:,} of {self.count:,} pictures"
        )

    def baseline(self) -> str:
        """What always naming one class would reach, in a line."""
        return f"baseline: always {self.baseline_class!r} would reach {self.baseline_accuracy:.2%} on {self.part}"

    def __str__(self) -> str:
        rows = [
            [row["class"], row["count"], row["correct"], f"{row['correct'] / row['count']:.1%}"]
            for row in self.per_class()
            if row["count"]
        ]
        lines = [self.headline(), self.baseline(), "", columns(rows, ["class", "pictures", "right", "share"])]
        if len(self.class_names) <= 20:
            matrix = [[name, *map(int, self.confusion[c])] for c, name in enumerate(self.class_names)]
            lines += ["", columns(matrix, ["true \\ predicted", *(name[:8] for name in self.class_names)])]
        if self.set_aside:
            lines += ["", f"set aside: {len(self.set_aside):,} pictures that cannot be read"]
            lines += [f"  {item.key}: {item.reason}" for item in self.set_aside[:10]]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"<Evaluation {self.headline()}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(row['class'])}</td><td>{row['correct']:,} of {row['count']:,}</td></tr>"
            for row in self.per_class()
        )
        return f"<b>{escape(self.headline())}</b><br>{escape(self.baseline())}<table>{rows}</table>"


def evaluate_part(
    classifier: Classifier, collection: Collection, indices: np.ndarray, part: str, on_event: Listener = silent
) -> Evaluation:
    """Let a classifier answer for some pictures of a collection, and count.

    Classes are matched by name. Raises DataError for no pictures, or a class that the classifier does not know.
    """
    if not len(indices):
        given = ", ".join(collection.given_parts) or "none"
        raise DataError(
            f"{collection.source}: has no {part} pictures (its parts: {given})", "some", "name another part"
        )
    position = _positions(classifier, collection, indices)
    data = prepare_pictures(collection, indices, classifier.preparation, on_event, f"read {part}")
    pieces = []
    for start in range(0, len(data), BATCH):
        pieces.append(classifier.probabilities(data.pixels[start : start + BATCH]))
        on_event(Progress(f"evaluate {part}", min(start + BATCH, len(data)), len(data)))
    probabilities, labels = np.concatenate(pieces), position[data.labels]
    confusion = confusion_matrix(labels, probabilities.argmax(axis=1), len(classifier.class_names))
    squared = classifier.record.loss == "mean-squared-error"
    trained_on = classifier.record.training.get("class_counts")
    return Evaluation(
        part=part,
        class_names=classifier.class_names,
        loss=(squared_error if squared else log_loss)(probabilities, labels),
        loss_name="mean squared error" if squared else "cross-entropy",
        confusion=confusion,
        baseline_class=classifier.class_names[int(np.argmax(trained_on or confusion.sum(axis=1)))],
        accuracy_interval=accuracy_interval(int(np.trace(confusion)), int(confusion.sum())),
        set_aside=data.set_aside,
    )


def _positions(classifier: Classifier, collection: Collection, indices: np.ndarray) -> np.ndarray:
    """For each class of the collection, its position among the classifier's; -1 where no picture needs it."""
    known = {name: i for i, name in enumerate(classifier.class_names)}
    used = set(np.unique(collection.labels[indices]).tolist())
    unknown = [name for i, name in enumerate(collection.class_names) if i in used and name not in known]
    if unknown:
        raise DataError(
            f"{collection.source}: has classes that the model does not know: {', '.join(unknown[:10])}",
            f"the model's classes: {', '.join(classifier.class_names[:20])}",
            "rename the classes, name them with --classes, or evaluate another model",
        )
    return np.array([known.get(name, -1) for name in collection.class_names], np.int64)

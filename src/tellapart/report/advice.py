"""What to do next after a training: at most three pieces of advice that the facts of the run support."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tellapart.evaluation.intervals import ENOUGH, share
from tellapart.report.facts import Facts
from tellapart.text import counted, percent, percent_range, shortened

MOST = 3

SURE = 0.95
"""A mistake with this confidence may be a wrong label, if predictions with it are usually right."""

TRUSTED = 0.8
"""Confident mistakes count as possibly wrong labels if this share of the predictions with that confidence is right."""

GAP = 0.1
"""Accuracy on training pictures minus validation: above this, the network knows the training pictures by heart."""

WIDE = 0.1
"""A wider interval of the accuracy is too uncertain to compare models."""


@dataclass(frozen=True)
class Step:
    """One piece of advice: what to do, why, and the title of the report's section that shows more, if there is one."""

    what: str
    why: str
    section: str = ""

    def __str__(self) -> str:
        return f"{self.what} {self.why}"


def advice(facts: Facts) -> list[Step]:
    """Return up to MOST pieces of advice, the most useful first. There is always one."""
    rules: tuple[Callable[[Facts], Step | None], ...] = (
        _no_better_than_baseline, _wrong_labels, _weak_classes, _more_data, _longer, _more_test_pictures,
    )  # fmt: skip
    steps = [step for rule in rules if (step := rule(facts)) is not None][:MOST] if facts.evaluation else []
    return steps or [Step("Nothing stands out.", "Try the model on new pictures with `tellapart predict`.")]


def _no_better_than_baseline(facts: Facts) -> Step | None:
    evaluation = facts.evaluation
    assert evaluation is not None
    best = max(evaluation.baselines, key=lambda base: base.accuracy, default=None)
    if best is None or evaluation.accuracy_interval[0] > best.accuracy:
        return None
    return Step(
        "Check the labels and the training.",
        f"The result is not clearly better than a simple rule: {percent(best.accuracy)} by {best.description}.",
        "Learning curves",
    )


def _wrong_labels(facts: Facts) -> Step | None:
    """Advise to check labels if confident predictions are usually right, and some of them contradict the label."""
    evaluation = facts.evaluation
    assert evaluation is not None
    sure = evaluation.probabilities.max(axis=1) >= SURE
    wrong = np.flatnonzero(sure & ~evaluation.is_correct)
    count = int(sure.sum())
    if not len(wrong) or count < ENOUGH or share(count - len(wrong), count)[0] < TRUSTED:
        return None
    pictures = counted(len(wrong), "picture")
    return Step(
        f"Check the labels of {pictures}: the classifier is at least {percent(SURE, digits=0)} sure of another class.",
        f"Such answers are right for {percent(1 - len(wrong) / count, digits=0)} of the pictures.",
        "Most confident mistakes",
    )


def _weak_classes(facts: Facts) -> Step | None:
    """Name up to three classes that are clearly worse than the others, or have very few training pictures."""
    evaluation = facts.evaluation
    assert evaluation is not None
    rows = [row for row in facts.class_rows if row["count"]]
    if len(rows) < 2:
        return None
    trained = facts.record["split"]["class_counts"].get("train") or [0] * len(facts.class_rows)
    counts = dict(zip(evaluation.class_names, trained, strict=True))
    weak = [row for row in rows if row["recall_interval"][1] < evaluation.accuracy]
    rare = [row for row in rows if counts[row["class"]] < min(ENOUGH, np.median(trained) / 2)]
    chosen = sorted(weak, key=lambda row: row["recall"])[:3] or sorted(rare, key=lambda row: counts[row["class"]])[:3]
    if not chosen:
        return None
    names = shortened([row["class"] for row in chosen], 32)
    details = [
        f"{name} ({percent(row['recall'], digits=0)} right, {counts[row['class']]:,} for training)"
        for name, row in zip(names, chosen, strict=True)
    ]
    listed = details[0] if len(details) == 1 else f"{', '.join(details[:-1])} and {details[-1]}"
    why = "Other classes have many more."
    if weak:
        why = "This class is the weakest." if len(chosen) == 1 else "These classes are the weakest."
    return Step(f"Add pictures of {listed}.", why, "Classes")


def _more_data(facts: Facts) -> Step | None:
    last = facts.history[-1] if facts.history else {}
    best = _kept(facts)
    if "val_accuracy" not in last or best is None or best["accuracy"] - best["val_accuracy"] < GAP:
        return None
    return Step(
        "Add pictures, or start from a pretrained network.",
        f"In training {percent(best['accuracy'], digits=0)} were right, in validation "
        f"{percent(best['val_accuracy'], digits=0)}: the network learns more from its pictures than applies to others.",
        "Learning curves",
    )


def _longer(facts: Facts) -> Step | None:
    """Advise to train longer if the validation loss still fell in the last fifth of the epochs."""
    history = [row for row in facts.history if row.get("size", 1) == 1]
    if len(history) < 10 or "val_accuracy" not in history[-1]:
        return None
    tail = max(2, len(history) // 5)
    late = np.mean([row["val_loss"] for row in history[-tail:]])
    before = np.mean([row["val_loss"] for row in history[-2 * tail : -tail]])
    if late > 0.97 * before:
        return None
    epochs = 2 * len(facts.history)
    why = "The validation loss was still falling when the training ended."
    return Step(f"Train longer, for example with --epochs {epochs}.", why, "Learning curves")


def _more_test_pictures(facts: Facts) -> Step | None:
    evaluation = facts.evaluation
    assert evaluation is not None
    low, high = evaluation.accuracy_interval
    if high - low < WIDE:
        return None
    return Step(
        "Collect more test pictures before you compare models.",
        f"{evaluation.count:,} leave a range of {percent_range((low, high))}; four times as many would halve it.",
        "Result",
    )


def _kept(facts: Facts) -> dict[str, float] | None:
    """Return the row of the epoch whose weights were saved."""
    best = facts.record["results"]["best_epoch"]
    return next((row for row in facts.history if row["epoch"] == best), None)

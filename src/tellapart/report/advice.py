"""What to do next after a training: at most three pieces of advice that the facts of the run support."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tellapart.evaluation.baselines import Baseline
from tellapart.evaluation.evaluation import Evaluation
from tellapart.evaluation.intervals import CONFIDENCE, ENOUGH, at_most, paired_difference, share, share_of_groups
from tellapart.report.facts import Facts
from tellapart.text import counted, percent, percent_range, shortened

MOST = 3

SURE = 0.95
"""A mistake with this confidence may be a wrong label, if predictions with it are usually right."""

NEAR = 0.05
"""Confident mistakes count as possibly wrong labels if the share of right answers is at most this below the confidence.

The share is the lower limit of its interval. If it is further below, the classifier is overconfident.
"""

NEARLY_ALL = 0.95
"""With this accuracy a simple rule is good enough, and no sign of a fault if nothing is better."""

GAP = 0.1
"""Accuracy on training pictures minus validation: above this, the network knows the training pictures by heart."""

PHOTO = 64
"""Pictures of at least this side, in pixels, may be photos."""

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
    """Return up to MOST pieces of advice, the most useful first."""
    rules: tuple[Callable[[Facts], Step | None], ...] = (
        _no_better_than_baseline, _wrong_labels, _weak_classes, _pretrained, _more_data, _longer, _more_test_pictures,
    )  # fmt: skip
    return [step for rule in rules if (step := rule(facts)) is not None][:MOST] if facts.evaluation else []


def _no_better_than_baseline(facts: Facts) -> Step | None:
    """Advise if a simple rule is as good, unless only the sample is too small to tell."""
    evaluation = facts.evaluation
    assert evaluation is not None
    best = max(evaluation.baselines, key=lambda base: base.accuracy, default=None)
    if best is None or evaluation.count < ENOUGH:
        return None
    low, high = _gain(evaluation, best)
    if low > 0 or (evaluation.accuracy > best.accuracy and high - low >= 2 * WIDE):
        return None
    rule = f"{percent(best.accuracy)} by {best.description}"
    if best.accuracy >= NEARLY_ALL and high >= 0:
        own = percent(evaluation.accuracy)
        return Step("A simple rule may be enough for these pictures.", f"It is about as good: {rule}, {own} here.")
    words = "is worse than" if high < 0 else "is not clearly better than"
    why = f"The result {words} a simple rule: {rule}."
    return Step("Check the labels and the training.", why, "Learning curves")


def _gain(evaluation: Evaluation, base: Baseline) -> tuple[float, float]:
    """Return the 95 % interval of the accuracy minus that of a baseline, on the same pictures if they are known."""
    if base.is_correct is None or evaluation.groups is not None:
        low, high = evaluation.accuracy_interval
        return low - base.accuracy, high - base.accuracy
    gained = int((evaluation.is_correct & ~base.is_correct).sum())
    lost = int((~evaluation.is_correct & base.is_correct).sum())
    return paired_difference(gained, lost, evaluation.count)


def _wrong_labels(facts: Facts) -> Step | None:
    """Advise to check labels if confident predictions are as often right as they say, and some contradict the label."""
    evaluation = facts.evaluation
    assert evaluation is not None
    confidence = evaluation.probabilities.max(axis=1)
    sure = confidence >= SURE
    wrong, count = int((sure & ~evaluation.is_correct).sum()), int(sure.sum())
    shown = min(wrong, len(facts.mistakes))
    if not shown or count < ENOUGH or share(count - wrong, count)[0] < float(confidence[sure].mean()) - NEAR:
        return None
    of_all = "" if shown == wrong else f" Look first at these {shown}, of {counted(wrong, 'picture')}."
    return Step(
        f"Check the labels of {counted(shown, 'picture')}: the classifier is at least {percent(SURE, digits=0)} sure "
        "of another class.",
        f"Such answers are right for {percent(1 - wrong / count, digits=0)} of the pictures.{of_all}",
        "Most confident mistakes",
    )


def _weak_classes(facts: Facts) -> Step | None:
    """Name up to three classes that are clearly worse than the others, or have very few training pictures."""
    evaluation = facts.evaluation
    assert evaluation is not None
    rows = [row for row in facts.class_rows if row["enough_pictures"]]
    if len(facts.class_rows) < 2:
        return None
    trained = facts.record["split"]["class_counts"].get("train") or [0] * len(facts.class_rows)
    counts = dict(zip(evaluation.class_names, trained, strict=True))
    chance = (1 - CONFIDENCE) / max(1, len(rows))  # otherwise, of a hundred classes five would be named by chance
    weak = [row for row in rows if _is_weak(evaluation, row["class"], chance)]
    rare = [row for row in facts.class_rows if counts[row["class"]] < min(ENOUGH, np.median(trained) / 2)]
    chosen = sorted(weak, key=lambda row: row["recall"])[:3] or sorted(rare, key=lambda row: counts[row["class"]])[:3]
    if not chosen:
        return None
    names = shortened([row["class"] for row in chosen], 32)
    details = [_detail(name, row, counts[row["class"]]) for name, row in zip(names, chosen, strict=True)]
    listed = details[0] if len(details) == 1 else f"{', '.join(details[:-1])} and {details[-1]}"
    why = "Other classes have many more."
    if weak:
        why = "This class is the weakest." if len(chosen) == 1 else "These classes are the weakest."
    return Step(f"Add pictures of {listed}.", why, "Classes")


def _is_weak(evaluation: Evaluation, name: str, chance: float) -> bool:
    """Return whether the share of right answers in a class is too low for chance, a probability, to explain.

    That is, if its pictures were as often right as all are.
    """
    members = evaluation.labels == evaluation.class_names.index(name)
    is_correct = evaluation.is_correct[members]
    if evaluation.groups is not None:
        high = share_of_groups(is_correct, evaluation.groups[members], 1 - 2 * chance)[1]
        return high < evaluation.accuracy
    return at_most(int(is_correct.sum()), len(is_correct), evaluation.accuracy) < chance


def _detail(name: str, row: Mapping[str, Any], trained: int) -> str:
    """Return a class with its share of right answers, if it has enough pictures, and its training pictures."""
    right = f"{percent(row['recall'], digits=0)} right, " if row["enough_pictures"] else ""
    return f"{name} ({right}{trained:,} for training)"


def _pretrained(facts: Facts) -> Step | None:
    """Advise to start from a pretrained backbone if photos were trained from scratch and mistakes are left."""
    evaluation, preprocessing = facts.evaluation, facts.record["preprocessing"]
    assert evaluation is not None
    small = min(preprocessing["height"], preprocessing["width"]) < PHOTO
    if facts.record.get("backbone") or small or evaluation.accuracy >= NEARLY_ALL:
        return None
    return Step(
        "Start from a pretrained backbone: --recipe finetune.",
        "This network was trained from scratch. Photos mostly gain from a backbone that has seen a million others.",
        "Network and recipe",
    )


def _more_data(facts: Facts) -> Step | None:
    last = facts.history[-1] if facts.history else {}
    best = _kept(facts)
    if "val_accuracy" not in last or best is None or best["accuracy"] - best["val_accuracy"] < GAP:
        return None
    return Step(
        "Add pictures, or augment them more.",
        f"In training {percent(best['accuracy'], digits=0)} were right, in validation "
        f"{percent(best['val_accuracy'], digits=0)}: it memorises its training pictures.",
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
    kind = "test pictures" if evaluation.split == "test" else "pictures"
    leave = "leaves" if evaluation.count == 1 else "leave"
    return Step(
        f"Collect more {kind} before you compare models.",
        f"{counted(evaluation.count, 'picture')} {leave} a range of {percent_range((low, high))}; four times as many "
        "would halve it.",
        "Result",
    )


def _kept(facts: Facts) -> dict[str, float] | None:
    """Return the row of the epoch whose weights were saved."""
    best = facts.record["results"]["best_epoch"]
    return next((row for row in facts.history if row["epoch"] == best), None)

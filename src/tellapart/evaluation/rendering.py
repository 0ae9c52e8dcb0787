"""An evaluation as text and HTML: the headline, notes, and tables."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from tellapart.evaluation.confusions import confusions
from tellapart.evaluation.labelled_predictions import LabelledPredictions
from tellapart.text import columns, counted, interval_digits, percent, percent_range, shortened

WIDTH = 80
"""Columns of a terminal, in which the tables fit."""

NAME = 18
"""Longest class name in a table."""

PAIRS = 10
"""Pairs of confused classes that are listed where the confusion matrix does not fit."""

LISTED = 10
"""Number of skipped pictures that the text lists."""


def in_words(predictions: LabelledPredictions) -> str:
    """Return the accuracy with its interval as a sentence, and say which pictures it was measured on."""
    accuracy, interval = predictions.accuracy, predictions.accuracy_interval
    pictures = counted(predictions.count, "picture")
    if predictions.folds:
        pictures += f", each predicted by one of {len(predictions.folds)} models that has never seen it"
    elif predictions.split == "test" and predictions.leaked is None:
        pictures += " it has never seen"
    elif predictions.split == "validation":
        pictures = f"{predictions.count:,} validation pictures, which also selected the model"
    else:
        pictures = f"{predictions.count:,} {predictions.split} pictures"
    return f"{percent(accuracy, interval)} right on {pictures} ({percent_range(interval)})"


def headline(predictions: LabelledPredictions) -> str:
    """Return the most important metrics in one line."""
    accuracy, interval = predictions.accuracy, predictions.accuracy_interval
    return (
        f"{predictions.split}: accuracy {percent(accuracy, interval)} (95 % interval {percent_range(interval)}), "
        f"loss {predictions.loss:.4f}, {predictions.correct:,} of {counted(predictions.count, 'picture')} correct"
    )


def baseline(predictions: LabelledPredictions) -> str:
    """Return the accuracies of the baselines in one line, with the digits of the classifier's own."""
    interval = predictions.accuracy_interval
    rows = [f"{percent(base.accuracy, interval)} {base.description}" for base in predictions.baselines]
    return f"baselines: {'; '.join(rows)}"


def best_baseline(predictions: LabelledPredictions) -> str:
    """Return the accuracy of the best baseline, with the digits of the classifier's own."""
    best = max(predictions.baselines, key=lambda base: base.accuracy)
    return f"best baseline: {percent(best.accuracy, predictions.accuracy_interval)} {best.description}"


def weakest_class(predictions: LabelledPredictions) -> str | None:
    """Return a line about the class with the lowest recall; None if no picture was misclassified."""
    rows = [row for row in predictions.per_class() if row["enough_pictures"] and row["correct"] < row["count"]]
    if not rows:
        return None
    row = min(rows, key=lambda row: row["recall"])
    confused = f", most often confused with {row['most_confused_with']}" if row["most_confused_with"] else ""
    return f"weakest class: {row['class']}, {row['correct']:,} of {row['count']:,} right{confused}"


def confidence(predictions: LabelledPredictions) -> str:
    """Return how well the probabilities are calibrated, in one line."""
    fitted = f", with a temperature of {predictions.temperature:.3f}" if predictions.temperature != 1 else ""
    return f"calibration error {percent(predictions.calibration_error)}{fitted}"


def caveats(predictions: LabelledPredictions) -> list[str]:
    """Return the limits of the intervals and of the confidence threshold, one sentence each."""
    lines = []
    if predictions.groups is not None and (groups := len(np.unique(predictions.groups))) < predictions.count:
        lines.append(
            f"the pictures come from {counted(groups, 'group')}; the accuracy interval accounts for that, the other "
            "intervals do not and are too narrow"
        )
    if predictions.threshold is not None and (predictions.folds or predictions.split == "validation"):
        lines.append("the confidence threshold was chosen on these same predictions")
    return lines


def notes(predictions: LabelledPredictions) -> list[str]:
    """Return everything a reader of the metrics should know, one line each."""
    lines = list(caveats(predictions))
    if predictions.leaked is not None:
        rest = predictions.without_leaks()
        number = f"{predictions.leaked.sum():,}" if rest else "all"
        without = f"; without them, accuracy {_accuracy(rest)}" if rest else ""
        lines.append(f"leakage: {number} of these pictures, or duplicates of them, were used in training{without}")
    if predictions.folds:
        lines.append(
            f"pooled over {len(predictions.folds)} models, each evaluated on its held-out fold: accuracy "
            f"{percent_range((min(predictions.folds), max(predictions.folds)))}"
        )
    if answered := predictions.answered():
        lines.append(
            f"unsure below {percent(answered['threshold'])}: {percent(answered['coverage'])} of pictures are "
            f"answered, {percent(answered['error'])} of the answers are wrong"
        )
    if predictions.ood is not None:
        lines.append(str(predictions.ood))
    count = predictions.test_evaluations
    if count is not None and count > 1:
        lines.append(
            f"this test split has now been evaluated {count} times; each reuse makes its metrics more optimistic"
        )
    return lines


def as_text(predictions: LabelledPredictions) -> str:
    """Return the headline, the notes and all tables as plain text."""
    whole = [[metric.name, str(metric)] for metric in predictions.metrics]
    listed = [row for row in predictions.per_class() if row["count"] or row["predicted"]]
    digits = min(map(interval_digits, (row["f1_interval"] for row in listed)), default=0)
    short = dict(zip(predictions.class_names, shortened(predictions.class_names, NAME), strict=True))
    rows = [
        [
            *(short[row["class"]], row["count"], row["correct"]),
            *(_percent(row[name], row[f"{name}_interval"]) for name in ("precision", "recall", "f1")),
            percent_range(row["f1_interval"], digits) if row["enough_pictures"] else "too few pictures",
        ]
        for row in listed
    ]
    header = ["class", "count", "right", "precision", "recall", "F1", "F1, 95 % interval"]
    lines = [in_words(predictions), baseline(predictions), *notes(predictions)]
    lines += ["", columns(whole), "", columns(rows, header)]
    lines += ["", _matrix(predictions)]
    if predictions.skipped:
        lines += ["", f"skipped: {counted(len(predictions.skipped), 'picture')} that cannot be read"]
        lines += [f"  {item.key}: {item.reason}" for item in predictions.skipped[:LISTED]]
    return "\n".join(lines)


def _matrix(predictions: LabelledPredictions) -> str:
    """Return the confusion matrix, its columns numbered like its rows, or the most confused pairs if it is too wide."""
    names = shortened(predictions.class_names, NAME)
    rows = [[f"{c} {name}", *map(int, predictions.confusion[c - 1])] for c, name in enumerate(names, 1)]
    table = columns(rows, ["true \\ predicted", *map(str, range(1, len(names) + 1))])
    if max(map(len, table.splitlines())) <= WIDTH:
        return table
    confused = confusions(predictions)[:PAIRS]
    pairs = [[names[pair.true], names[pair.predicted], len(pair.positions)] for pair in confused]
    return columns(pairs, ["true class", "predicted as", "pictures"]) if pairs else "no class was confused with another"


def as_html(predictions: LabelledPredictions) -> str:
    """Return a short HTML summary for notebooks."""
    rows = "".join(
        f"<tr><td>{escape(row['class'])}</td><td>{row['correct']:,} of {row['count']:,}</td></tr>"
        for row in predictions.per_class()
    )
    return f"<b>{escape(headline(predictions))}</b><br>{escape(baseline(predictions))}<table>{rows}</table>"


def _percent(value: float | None, interval: Sequence[float]) -> str:
    return "-" if value is None else percent(value, interval)


def _accuracy(result: dict[str, Any]) -> str:
    interval = result["accuracy_interval"]
    return f"{percent(result['accuracy'], interval)} ({percent_range(interval)})"

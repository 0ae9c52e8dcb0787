"""An evaluation in words: lines and tables for people."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

from tellapart.evaluation import metrics
from tellapart.text import columns, counted, near_one, shortened

if TYPE_CHECKING:
    from tellapart.evaluation.evaluation import Evaluation


def headline(found: Evaluation) -> str:
    """The figures that matter most, in a line."""
    low, high = found.accuracy_interval
    return (
        f"{found.split}: accuracy {found.accuracy:.2%} (95 % interval {low:.2%} to {high:.2%}), "
        f"loss {found.loss:.4f}, {found.correct:,} of {counted(found.count, 'picture')}"
    )


def baseline(found: Evaluation) -> str:
    """What next to no skill would reach, in a line."""
    return "baselines: " + "; ".join(f"{base.accuracy:.2%} {base.words}" for base in found.baselines)


def confidence(found: Evaluation) -> str:
    """How far the probabilities can be trusted, in a line."""
    error = metrics.calibration_error(found.probabilities, found.labels)
    fitted = f", with a temperature of {found.temperature:.3f}" if found.temperature != 1 else ""
    return f"calibration error {error:.2%}{fitted}"


def caveats(found: Evaluation) -> list[str]:
    """What has to be said of intervals and of the limit of unsure answers."""
    lines = []
    if found.groups is not None and (groups := len(np.unique(found.groups))) < found.count:
        lines.append(
            f"these pictures are of {counted(groups, 'group')}, which the interval of the accuracy counts as "
            "independent; the other intervals count pictures, and are too narrow"
        )
    if found.threshold is not None and (found.folds or found.split == "validation"):
        lines.append("the limit below which answers are unsure was chosen on these very answers")
    return lines


def notes(found: Evaluation) -> list[str]:
    """What has to be said beside the figures, a line each."""
    lines = list(caveats(found))
    if found.leaked is not None:
        rest = found.without_leaks()
        figure = f"{rest['accuracy']:.2%} ({_between(rest['accuracy_interval'])})" if rest else ""
        without = f": accuracy {figure} without them" if rest else ", all of them"
        lines.append(f"{found.leaked.sum():,} of these pictures are in training too{without}")
    if found.folds:
        lines.append(
            f"pooled from {len(found.folds)} models, each asked about the pictures that it did not see: "
            f"{min(found.folds):.2%} to {max(found.folds):.2%}"
        )
    if kept := found.answered():
        lines.append(
            f"unsure below {near_one(kept['threshold'])}: {kept['coverage']:.2%} of pictures are answered, "
            f"{kept['error']:.2%} of the answers are wrong"
        )
    if found.ood is not None:
        lines.append(str(found.ood))
    if found.test_evaluations is not None and found.test_evaluations > 1:
        lines.append(
            f"this test split has now been evaluated {found.test_evaluations} times; each reuse makes its metrics more "
            "optimistic"
        )
    return lines


def text(found: Evaluation) -> str:
    """All of it, in tables."""
    metrics = [[measure.name, str(measure)] for measure in found.measures]
    rows = [
        [
            *(row["class"], row["count"], row["correct"]),
            *map(_percent, (row["precision"], row["recall"], row["f1"])),
            _between(row["f1_interval"]) if row["enough"] else "too few pictures to say",
        ]
        for row in found.per_class()
        if row["count"] or row["predicted"]
    ]
    names = ["class", "pictures", "right", "precision", "recall", "F1", "F1, 95 % interval"]
    lines = [headline(found), baseline(found), *notes(found), "", columns(metrics), "", columns(rows, names)]
    if len(found.class_names) <= 20:
        matrix = [[name, *map(int, found.confusion[c])] for c, name in enumerate(found.class_names)]
        lines += ["", columns(matrix, ["true \\ predicted", *shortened(found.class_names, 10)])]
    if found.skipped:
        lines += ["", f"set aside: {counted(len(found.skipped), 'picture')} that cannot be read"]
        lines += [f"  {item.key}: {item.reason}" for item in found.skipped[:10]]
    return "\n".join(lines)


def as_html(found: Evaluation) -> str:
    """For a notebook."""
    rows = "".join(
        f"<tr><td>{escape(row['class'])}</td><td>{row['correct']:,} of {row['count']:,}</td></tr>"
        for row in found.per_class()
    )
    return f"<b>{escape(headline(found))}</b><br>{escape(baseline(found))}<table>{rows}</table>"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _between(interval: list[float]) -> str:
    return f"{interval[0]:.1%} to {interval[1]:.1%}"

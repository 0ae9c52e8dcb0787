"""The course of the training: loss and accuracy by epoch."""

from tellapart.plots.learning import LearningCurves, smaller_epochs
from tellapart.report.facts import Facts
from tellapart.report.page import drawing, html

POSITION, TITLE = 70, "Learning curves"

_TEMPLATE = """
<div class="columns">{{ loss }}{{ accuracy }}</div>
<p>Trained for {{ seconds }} s. {% if not best %}No epoch was better than the start, which was saved.
{% else %}The saved weights are those of epoch {{ best }}
{%- if validated %}, the one with the highest validation accuracy{% if smaller %} at full size{% endif %}{% else %},
the last one, because without a validation split the best one is not known{% endif %}.{% endif +%}
{% if smaller %}Until epoch {{ smaller }} (shaded) the training saw pictures
reduced to {{ size | percent(none, 0) }} of their size, which saves time; results there do not compare with later
ones.{% endif %}</p>
<p class="soft">Training values are means over the epoch, on augmented pictures
{%- if validated %}, so they may be worse than validation values{% endif %}.</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    results, history = facts.record["results"], facts.history
    if facts.record["recipe"].get("frozen"):
        return ""  # a single optimum, not a course
    best, seconds = results["best_epoch"], round(results["train_seconds"], 1)
    validated = "val_accuracy" in history[-1]
    loss, accuracy = (
        drawing(curve, f"{curve.name} by epoch, for training{' and validation' if validated else ''}")
        for curve in LearningCurves(history, best).curves()
    )
    return html(
        _TEMPLATE,
        loss=loss,
        accuracy=accuracy,
        best=best,
        seconds=seconds,
        smaller=smaller_epochs(history),
        size=min((row.get("size", 1) for row in history), default=1),
        validated=validated,
    )

"""The course of the training: loss and accuracy by epoch."""

from tellapart.plots.learning import LearningCurves
from tellapart.report.page import Facts, drawing, html

POSITION, TITLE = 30, "Learning curves"

_TEMPLATE = """
<div class="pair">{{ loss }}{{ accuracy }}</div>
<p class="soft">Trained for {{ seconds }} s. The saved weights are those of epoch {{ best }}. Training values are means
over the epoch, on augmented pictures.</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    results = facts.record["results"]
    best, seconds = results["best_epoch"], round(results["train_seconds"], 1)
    loss, accuracy = (
        drawing(curve, f"{curve.name} by epoch, for training and validation")
        for curve in LearningCurves(facts.history, best).curves()
    )
    return html(_TEMPLATE, loss=loss, accuracy=accuracy, best=best, seconds=seconds)

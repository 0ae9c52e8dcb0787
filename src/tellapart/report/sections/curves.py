"""How the training went: loss and accuracy, epoch by epoch."""

from tellapart.plots.learning import LearningCurves
from tellapart.report.page import Facts, drawing, html

POSITION, TITLE = 30, "Learning curves"

_TEMPLATE = """
<div class="pair">{{ loss }}{{ accuracy }}</div>
<p class="soft">{{ seconds }} s of training; the weights of epoch {{ best }} were kept. Training figures are means over
the epoch, on augmented pictures.</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    best = facts.record["results"]["best_epoch"]
    loss, accuracy = (
        drawing(curve, f"{curve.name} by epoch, training and validation")
        for curve in LearningCurves(facts.history, best).curves()
    )
    return html(
        _TEMPLATE, loss=loss, accuracy=accuracy, best=best, seconds=round(facts.record["results"]["train_seconds"], 1)
    )

"""How the training went: loss and accuracy, epoch by epoch."""

from tellapart.report.page import Facts, html, picture
from tellapart.report.plots import learning_curves

POSITION, TITLE = 30, "Learning curves"


def render(facts: Facts) -> str:
    """See the contract."""
    best = facts.record["results"]["best_epoch"]
    drawing = picture(learning_curves(facts.history, best), "Loss and accuracy by epoch, training and validation")
    words = "{{ drawing }}<p class='soft'>{{ seconds }} s of training; the weights of epoch {{ best }} were kept.</p>"
    return html(words, drawing=drawing, best=best, seconds=round(facts.record["results"]["train_seconds"], 1))

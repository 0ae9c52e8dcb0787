"""Labels that are probably wrong, by models that were not trained on the picture; the most probable first."""

from collections.abc import Sequence

from tellapart.data.finding import Checked, Finding, Remark
from tellapart.data.label_errors import LEVEL
from tellapart.text import counted, percent, probability

POSITION, TITLE = 30, "Likely wrong labels"

SHOWN = 200
"""All of them are worth checking: the page shows many."""

SURE = 0.9
"""A clean manifest moves a picture to another class from this probability up."""


def find(checked: Checked) -> list[Finding] | None:
    """See the contract. Returns None without predictions.

    Suspects in the data's own test and validation splits are listed but not moved. Otherwise metrics on these splits
    would measure how far a model agrees with the models used here.
    """
    if checked.predictions is None:
        return None
    predicted, errors = checked.label_errors
    values = zip(errors.positions.tolist(), errors.suggested.tolist(), errors.wrong.tolist(), strict=True)
    return [_finding(checked, int(predicted[k]), best, wrong) for k, best, wrong in values]


def remark(checked: Checked, findings: Sequence[Finding]) -> Remark:
    """See the contract: how good the models are, and how many of the listed labels are expected to be wrong."""
    _, errors = checked.label_errors
    judges = f"The models that judged are right on {percent(errors.agreement, digits=0)} of the pictures."
    level = percent(LEVEL, digits=0)
    share = errors.expected / len(findings) if findings else None
    if share is None:
        words = f"{judges} Where they contradict a label, they are more often wrong than the label is."
    else:
        about = f"about {max(1, round(errors.expected)):,} ({percent(share, digits=0)})"
        words = f"{judges} Of the {counted(len(findings), 'label')} listed, {about} are expected to be wrong."
    if unlisted := errors.suspected - len(findings):
        words += f" Not listed: {unlisted:,} more that they contradict; with these, fewer than {level} would be wrong."
    facts = {
        "judge_accuracy": errors.agreement, "estimated_noise": errors.noise, "suspected": errors.suspected,
        "expected_wrong": errors.expected, "expected_precision": share, "least_precision": LEVEL,
    }  # fmt: skip
    return Remark(words, facts)


def _finding(checked: Checked, i: int, best: int, wrong: float) -> Finding:
    """The finding about the label of picture i, which is wrong with the probability `wrong`."""
    assert checked.predictions is not None
    collection = checked.collection
    label, suggested = collection.label(i), collection.class_names[best]
    given, other = float(checked.predictions[i, collection.labels[i]]), float(checked.predictions[i, best])
    for_training = collection.splits is None or collection.splits[i] == "train"
    facts = {"label": label, "probability": given, "suggested": suggested}
    facts |= {"suggested_probability": other, "wrong_probability": wrong}
    return checked.finding(
        i,
        f"labelled {label} ({probability(given)}), probably {suggested} ({probability(other)})",
        relabel={i: suggested} if other >= SURE and for_training else {},
        facts=facts,
    )

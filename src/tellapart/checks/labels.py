"""Labels that are probably wrong, by models that were not trained on the picture; the most probable first."""

from collections.abc import Sequence

from tellapart.data.finding import Checked, Finding, Remark
from tellapart.data.label_errors import LEVEL, LabelErrors
from tellapart.text import counted, percent, probability

POSITION, TITLE = 30, "Likely wrong labels"

SHOWN = 200
"""All of them are worth checking: the page shows many."""

SURE = 0.95
"""A clean manifest moves a picture to another class if its label is wrong with at least this probability, and the
models give the other class at least this probability."""


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
    share = errors.expected / len(findings) if findings else None
    agreed = percent(errors.agreement, digits=0)
    models = "Classifiers on pretrained features" if checked.by_features else "The models trained for this"
    words = f"{models} predict the given label of {agreed} of the pictures. "
    facts = {
        "judge_accuracy": errors.agreement, "estimated_noise": errors.noise, "suspected": errors.suspected,
        "expected_wrong": errors.expected, "expected_precision": share, "least_precision": LEVEL,
        "by_features": checked.by_features,
    }  # fmt: skip
    return Remark(words + _worth(len(findings), errors), facts)


def _worth(listed: int, errors: LabelErrors) -> str:
    """How many of the listed labels are expected to be wrong, and why others are not listed."""
    level, more = percent(LEVEL, digits=0), errors.suspected - listed
    if not errors.suspected:
        return "No label is suspicious."
    if not listed:
        few = f"fewer than {level} of these are expected to be wrong" if more > 1 else "it is probably right"
        verb = "are" if more > 1 else "is"
        return f"{counted(more, 'label')} {verb} suspicious, but {few}, so none is listed."
    about = f"about {max(1, round(errors.expected)):,} ({percent(errors.expected / listed, digits=0)})"
    words = f"Of the {counted(listed, 'label')} listed, {about} {'are' if listed > 1 else 'is'} expected to be wrong."
    if more:
        words += f" {more:,} more are suspicious, but not listed because most of them are probably right."
    return words


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
        relabel={i: suggested} if min(wrong, other) >= SURE and for_training else {},
        facts=facts,
    )

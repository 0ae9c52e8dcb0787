"""Labels that are probably wrong, by models that were not trained on the picture; the most probable first."""

import numpy as np

from tellapart.data.finding import Checked, Finding
from tellapart.data.label_errors import find_label_errors

POSITION, TITLE = 30, "Likely wrong labels"

SURE = 0.9
"""A clean manifest moves a picture to another class from this probability up."""


def find(checked: Checked) -> list[Finding] | None:
    """See the contract. Returns None without predictions.

    Suspects in the data's own test and validation splits are listed but not moved. Otherwise metrics on these splits
    would measure how far a model agrees with the models used here.
    """
    if checked.predictions is None:
        return None
    collection = checked.collection
    predicted = np.flatnonzero(~np.isnan(checked.predictions).any(axis=1))
    labels, probabilities = collection.labels[predicted], checked.predictions[predicted]
    findings = []
    for k, best in zip(*(column.tolist() for column in find_label_errors(labels, probabilities)), strict=True):
        i, suggested = int(predicted[k]), collection.class_names[best]
        given, other = probabilities[k, labels[k]], probabilities[k, best]
        words = (
            f"{collection.keys[i]}: labelled {collection.label(i)} ({given:.1%}), probably {suggested} ({other:.1%})"
        )
        for_training = collection.splits is None or collection.splits[i] == "train"
        facts = {"label": collection.label(i), "probability": float(given), "suggested": suggested}
        facts |= {"suggested_probability": float(other)}
        relabel = {i: suggested} if other >= SURE and for_training else {}
        findings.append(Finding(words, (i,), relabel=relabel, facts=facts))
    return findings

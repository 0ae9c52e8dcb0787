"""Labels that are likely wrong, by what models say that have not seen the picture; the likeliest first."""

import numpy as np

from tellapart.data.finding import Checked, Finding
from tellapart.data.suspects import suspected

POSITION, TITLE = 120, "Likely wrong labels"

SURE = 0.9
"""A clean manifest moves a picture to the class that is at least so probable."""


def find(checked: Checked) -> list[Finding] | None:
    """See the contract.

    Pictures of given test and validation splits are listed and not moved: figures on them would then measure how far a
    model agrees with these ones.
    """
    if checked.predictions is None:
        return None
    collection, values = checked.collection, checked.predictions
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    labels, told = collection.labels[known], values[known]
    found = []
    for k, best in zip(*(column.tolist() for column in suspected(labels, told)), strict=True):
        i, name, given, other = int(known[k]), collection.class_names[best], told[k, labels[k]], told[k, best]
        words = f"{collection.keys[i]}: {collection.label(i)} ({given:.1%}), more like {name} ({other:.1%})"
        for_training = collection.splits is None or collection.splits[i] == "train"
        facts = {"label": collection.label(i), "probability": float(given), "suggested": name}
        facts |= {"suggested_probability": float(other)}
        relabel = {i: name} if other >= SURE and for_training else {}
        found.append(Finding(words, (i,), relabel=relabel, facts=facts))
    return found

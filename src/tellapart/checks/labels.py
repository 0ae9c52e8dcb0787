"""Labels that are likely wrong, by what models say that have not seen the picture; the likeliest first."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 120, "Likely wrong labels"

SURE = 0.9
"""A clean manifest moves a picture to the class that is at least so probable."""


def find(checked: Checked) -> list[Finding] | None:
    """See the contract.

    A label is suspected where another class is likelier than the models' usual confidence in that class, and the given
    one is less likely than usual (confident learning, Northcutt and others 2021). Ranked by the distance of the two
    probabilities. Pictures of given test and validation parts are listed and not moved: figures on them would then
    measure how far a model agrees with these ones.
    """
    if checked.predictions is None:
        return None
    collection, values = checked.collection, checked.predictions
    known = np.flatnonzero(~np.isnan(values).any(axis=1))
    labels, told = collection.labels[known], values[known]
    classes = len(collection.class_names)
    given = told[np.arange(len(known)), labels]
    usual = np.array([given[labels == c].mean() if (labels == c).any() else 1.0 for c in range(classes)])
    others = told.copy()
    others[np.arange(len(known)), labels] = -1
    best = others.argmax(axis=1)
    other = others.max(axis=1)
    suspect = (other >= usual[best]) & (given < usual[labels]) & (other > given)
    order = [k for k in np.argsort(given - other, kind="stable").tolist() if suspect[k]]
    found = []
    for k in order:
        i, name = int(known[k]), collection.class_names[best[k]]
        words = f"{collection.keys[i]}: {collection.label(i)} ({given[k]:.1%}), more like {name} ({other[k]:.1%})"
        for_training = collection.parts is None or collection.parts[i] == "train"
        found.append(Finding(words, (i,), relabel={i: name} if other[k] >= SURE and for_training else {}))
    return found

"""Pictures much less sharp than the others."""

import numpy as np

from tellapart.checks.light import BLANK
from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 70, "Blurred"

SMALLEST = 64
"""Smaller pictures have no room to be sharp."""

FAR = 3.5
"""Deviations below the middle, in logarithms and by the median of their distances (Iglewicz and Hoaglin 1993)."""

LEAST = 60.0
"""A variance of the Laplacian above this is sharp whatever the others are."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    looks = {i: checked.inspection.look(i) for i in checked.inspection.readable.tolist()}
    large = [i for i, seen in looks.items() if min(seen.shape[:2]) >= SMALLEST and seen.spread >= BLANK]
    if len(large) < 20:
        return []
    sharpness = np.log(np.array([looks[i].sharpness for i in large]) + 1)
    middle = np.median(sharpness)
    distance = np.median(np.abs(sharpness - middle)) * 1.4826 + 1e-6
    scores = (middle - sharpness) / distance
    order = np.argsort(-scores, kind="stable")
    return [
        Finding(
            f"{checked.collection.keys[large[k]]}: sharpness {looks[large[k]].sharpness:.0f}, where "
            f"{np.exp(middle) - 1:.0f} is usual",
            (large[k],),
        )
        for k in order.tolist()
        if scores[k] > FAR and looks[large[k]].sharpness < LEAST
    ]

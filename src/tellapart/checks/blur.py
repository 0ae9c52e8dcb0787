"""Pictures much less sharp than the others."""

import numpy as np

from tellapart.checks._blank import BLANK_DEVIATION
from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 90, "Blurred pictures"

SMALLEST_SIDE = 64
"""Pictures with a shorter side below this are not checked: they are too small to measure sharpness."""

FEWEST = 20
"""With fewer pictures there is too little to compare with."""

OUTLIER_SCORE = 3.5
"""Distance below the median of the log sharpness, in scaled median absolute deviations, from which a picture counts as
blurred (Iglewicz and Hoaglin 1993).
"""

SHARP = 60.0
"""A picture whose Laplacian has a variance of at least this is sharp, whatever the others are."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    measured = {i: checked.inspection.summary(i) for i in checked.inspection.readable.tolist()}
    large = [
        i
        for i, measures in measured.items()
        if min(measures.shape[:2]) >= SMALLEST_SIDE and measures.deviation >= BLANK_DEVIATION
    ]
    if len(large) < FEWEST:
        return []
    sharpness = np.log(np.array([measured[i].sharpness for i in large]) + 1)
    median = np.median(sharpness)
    deviation = np.median(np.abs(sharpness - median)) * 1.4826 + 1e-6
    scores = (median - sharpness) / deviation
    order = np.argsort(-scores, kind="stable")
    return [
        checked.finding(large[k], f"sharpness {measured[large[k]].sharpness:.0f} (typical: {np.exp(median) - 1:.0f})")
        for k in order.tolist()
        if scores[k] > OUTLIER_SCORE and measured[large[k]].sharpness < SHARP
    ]

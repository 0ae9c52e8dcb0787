"""Pictures much smaller than the others, or with an unusual aspect ratio."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 110, "Unusual sizes and aspect ratios"

SMALL = 0.25
"""A picture is small if its shorter side is below this share of the median shorter side."""

LONG = 3.0
"""A picture is long if its aspect ratio is above this, and above twice the median aspect ratio."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    readable = checked.inspection.readable.tolist()
    if not readable:
        return []
    shapes = np.array([checked.inspection.summary(i).shape[:2] for i in readable], float)
    shorter, longer = shapes.min(axis=1), shapes.max(axis=1)
    median_side, median_ratio = np.median(shorter), np.median(longer / shorter)
    findings = []
    for i, low, high in zip(readable, shorter, longer, strict=True):
        height, width, _ = checked.inspection.summary(i).shape
        if low < SMALL * median_side:
            findings.append(checked.finding(i, f"{width} x {height}; the median shorter side is {median_side:.0f}"))
        elif high / low > max(LONG, 2 * median_ratio):
            findings.append(checked.finding(i, f"{width} x {height}, aspect ratio {high / low:.1f}"))
    return findings

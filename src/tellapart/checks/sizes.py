"""Pictures much smaller than the others, or much longer than wide."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 50, "Odd sizes and shapes"

SMALL = 0.25
"""A shorter side of less than this share of the usual one."""

LONG = 3.0
"""Sides of which one is more than so many times the other, where that is not usual."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    readable = checked.inspection.readable.tolist()
    if not readable:
        return []
    shapes = np.array([checked.inspection.look(i).shape[:2] for i in readable], float)
    shorter, longer = shapes.min(axis=1), shapes.max(axis=1)
    usual, usual_ratio = np.median(shorter), np.median(longer / shorter)
    found = []
    for i, low, high in zip(readable, shorter, longer, strict=True):
        key = checked.collection.keys[i]
        height, width, _ = checked.inspection.look(i).shape
        if low < SMALL * usual:
            found.append(Finding(f"{key}: {width} x {height}, where the shorter side usually has {usual:.0f}", (i,)))
        elif high / low > max(LONG, 2 * usual_ratio):
            found.append(Finding(f"{key}: {width} x {height}, {high / low:.1f} times as long as wide", (i,)))
    return found

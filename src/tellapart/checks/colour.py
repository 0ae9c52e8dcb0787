"""A few greyscale pictures among colour pictures, or a few colour pictures among greyscale ones."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 120, "Greyscale and colour mixed"

FEW = 0.1
"""The rarer kind is listed if it makes up at most this share of the readable pictures."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    readable = checked.inspection.readable.tolist()
    measured = [checked.inspection.summary(i) for i in readable]
    grey = np.array([measures.grey or measures.shape[2] == 1 for measures in measured], bool)
    grey_share = grey.mean() if len(grey) else 0.0
    if grey_share <= FEW:
        rare, kinds = grey, ("greyscale", "in colour")
    elif grey_share >= 1 - FEW:
        rare, kinds = ~grey, ("in colour", "greyscale")
    else:
        return []
    return [
        checked.finding(i, kinds[0], f"; most pictures are {kinds[1]}")
        for i, is_rare in zip(readable, rare, strict=True)
        if is_rare
    ]

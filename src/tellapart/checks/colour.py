"""Grey pictures among colour ones, and the other way round, where they are few."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 40, "Grey among colour"

FEW = 0.1
"""Of fewer than this share it is worth knowing which they are."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    readable = checked.inspection.readable.tolist()
    looks = [checked.inspection.look(i) for i in readable]
    grey = np.array([seen.grey or seen.shape[2] == 1 for seen in looks], bool)
    share = grey.mean() if len(grey) else 0.0
    if share <= FEW:
        odd, words = grey, "is grey, most are in colour"
    elif share >= 1 - FEW:
        odd, words = ~grey, "is in colour, most are grey"
    else:
        return []
    return [
        Finding(f"{checked.collection.keys[i]}: {words}", (i,))
        for i, is_odd in zip(readable, odd, strict=True)
        if is_odd
    ]

"""Classes with few pictures, and classes of very different size."""

import numpy as np

from tellapart.data.finding import Checked, Finding
from tellapart.text import counted

POSITION, TITLE = 110, "Small classes, imbalance"

FEW = 20
"""Of fewer pictures a class can hardly be learnt, and not be measured."""

UNEVEN = 10
"""The largest class has more than so many times the pictures of the smallest."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    collection = checked.collection
    counts = collection.class_counts(checked.inspection.readable)
    names = collection.class_names
    found = [
        Finding(f"{names[c]}: {counted(int(counts[c]), 'picture')} that can be read")
        for c in np.flatnonzero(counts < FEW).tolist()
    ]
    most, least = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max()).argmin())
    if counts[most] > UNEVEN * counts[least]:
        times = counts[most] / counts[least]
        sizes = f"{counts[most]:,} and {counts[least]:,}"
        found.append(Finding(f"{names[most]} has {times:.0f} times the pictures of {names[least]}: {sizes}"))
    return found

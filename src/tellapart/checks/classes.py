"""Classes with few pictures, and classes of very different size."""

import numpy as np

from tellapart.data.finding import Checked, Finding
from tellapart.text import counted

POSITION, TITLE = 130, "Small classes and class imbalance"

FEW = 20
"""A class with fewer readable pictures is hard to train on and too small to evaluate."""

IMBALANCED = 10
"""Ratio of the largest class to the smallest above which the classes count as imbalanced."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    collection = checked.collection
    counts = collection.class_counts(checked.inspection.readable)
    names = collection.class_names
    findings = [
        Finding(f"{names[c]}: {counted(int(counts[c]), 'readable picture')}")
        for c in np.flatnonzero(counts < FEW).tolist()
    ]
    largest, smallest = int(counts.argmax()), int(np.where(counts > 0, counts, counts.max()).argmin())
    if counts[largest] > IMBALANCED * counts[smallest]:
        ratio = counts[largest] / counts[smallest]
        sizes = f"{counts[largest]:,} and {counts[smallest]:,}"
        findings.append(
            Finding(f"{names[largest]} has {ratio:.0f} times as many pictures as {names[smallest]}: {sizes}")
        )
    return findings

"""Groups (of one subject, burst or film) with pictures in more than one split."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 50, "Groups in several splits"


def find(checked: Checked) -> list[Finding] | None:
    """See the contract. Returns None if the data defines no splits or no groups."""
    collection = checked.collection
    splits = collection.splits
    if splits is None or collection.groups is None:
        return None
    names, members = np.unique(collection.groups, return_inverse=True)
    order = np.argsort(members, kind="stable")
    pictures_of_groups = np.split(order, np.flatnonzero(np.diff(members[order])) + 1)
    findings = []
    for name, pictures in zip(names.tolist(), pictures_of_groups, strict=True):
        if len(set(splits[pictures].tolist())) > 1:
            findings.append(checked.group_finding(pictures.tolist(), f"group {name}", tag=lambda i: str(splits[i])))
    return findings

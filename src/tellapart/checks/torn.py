"""Groups - a subject, a burst, a film - of which some pictures are for training and others for measuring."""

import numpy as np

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 105, "Groups in several parts"


def find(checked: Checked) -> list[Finding] | None:
    """See the contract. None where the data gives no parts, or nobody says what belongs together."""
    collection = checked.collection
    splits = collection.splits
    if splits is None or collection.groups is None:
        return None
    names, members = np.unique(collection.groups, return_inverse=True)
    order = np.argsort(members, kind="stable")
    found = []
    for name, places in zip(names.tolist(), np.split(order, np.flatnonzero(np.diff(members[order])) + 1), strict=True):
        if len(set(splits[places].tolist())) > 1:
            shown, pictures = checked.named(places.tolist(), lambda i: str(splits[i]))
            found.append(Finding(f"the group {name}: {shown}", pictures))
    return found

"""Duplicates and near-duplicates with different labels: at least one of the labels is likely wrong."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 20, "Duplicates with different labels"


def find(checked: Checked) -> list[Finding]:
    """See the contract.

    A clean manifest leaves out all copies of an exact duplicate, because the right label is unknown. It keeps
    near-duplicates: the small difference between them may be the reason for the different labels.
    """
    collection = checked.collection
    return [
        checked.group_finding(
            group,
            "duplicates" if exact else "near-duplicates",
            " with different labels",
            collection.label,
            group if exact else (),
        )
        for group, exact in checked.inspection.duplicates.conflicts(collection.labels)
    ]

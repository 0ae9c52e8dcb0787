"""Duplicates and near-duplicates in different splits, which make metrics too optimistic."""

from collections.abc import Sequence

from tellapart.data.finding import Checked, Finding
from tellapart.data.split_names import SPLITS

POSITION, TITLE = 40, "Leakage between splits"


def find(checked: Checked) -> list[Finding]:
    """See the contract.

    A clean manifest keeps the copy in the test split; if there is none, the copy in the validation split. It also keeps
    near-duplicates in other splits if they have another label, or share a layout.
    """
    collection = checked.collection
    if (given := collection.splits) is None:
        return []
    exact = set(checked.inspection.duplicates.of("exact"))
    findings = []
    for group in checked.inspection.duplicates.groups:
        splits = [str(given[i]) for i in group]
        if len(set(splits)) < 2:
            continue
        kind = "duplicates" if group in exact else "duplicates or near-duplicates"
        drop = sorted(_to_drop(checked, group, splits))
        findings.append(checked.group_finding(group, kind, " in different splits", lambda i: str(given[i]), drop))
    return findings


def _to_drop(checked: Checked, group: Sequence[int], splits: Sequence[str]) -> set[int]:
    """The pictures of a group of duplicates, with their splits, that a clean manifest leaves out.

    Training pictures make way for copies in validation and test, validation pictures for copies in test.
    """
    labels, one_layout = checked.collection.labels, checked.one_layout(group)
    drop: set[int] = set()
    for number, split in enumerate(SPLITS):
        kept = [i for i, split_of_i in zip(group, splits, strict=True) if split_of_i in SPLITS[number + 1 :]]
        kept_copies = {checked.first_copies.get(i, i) for i in kept}
        kept_classes = set() if one_layout else {int(labels[i]) for i in kept}
        drop |= {
            i
            for i, split_of_i in zip(group, splits, strict=True)
            if split_of_i == split and (checked.first_copies.get(i, i) in kept_copies or int(labels[i]) in kept_classes)
        }
    return drop

"""Duplicates and near-duplicates within a class: exact copies, and re-encoded, resized or mirrored ones."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 60, "Duplicates"


def find(checked: Checked) -> list[Finding]:
    """See the contract. Other checks report copies in other classes or splits.

    A clean manifest keeps one picture of each group. A large group of near-duplicates may be pictures from a fixed
    camera: of those it leaves out only exact copies.
    """
    collection = checked.collection
    findings = []
    for group in checked.inspection.duplicates.groups:
        by_class_and_split: dict[tuple[int, str], list[int]] = {}
        for i in group:
            split = str(collection.splits[i]) if collection.splits is not None else ""
            by_class_and_split.setdefault((int(collection.labels[i]), split), []).append(i)
        findings += [_finding(checked, copies) for copies in by_class_and_split.values() if len(copies) > 1]
    return findings


def _finding(checked: Checked, copies: list[int]) -> Finding:
    """The finding about one group of duplicates within a class and split."""
    if not checked.one_layout(copies):
        return checked.group_finding(copies, f"{len(copies)} duplicates or near-duplicates", drop=copies[1:])
    first_copies = {checked.first_copies.get(i, i): i for i in reversed(copies)}
    drop = [i for i in copies if first_copies[checked.first_copies.get(i, i)] != i]
    detail = f"{len(copies)} similar pictures"
    why = ", too many to be copies; probably the same layout or camera view"
    return checked.group_finding(copies, detail, why, drop=drop)

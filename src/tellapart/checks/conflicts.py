"""Duplicates and near-duplicates with different labels: at least one of the labels is likely wrong."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 20, "Duplicates with different labels"


def find(checked: Checked) -> list[Finding]:
    """See the contract. Mirrored copies do not count: left and right may be what distinguishes the classes.

    A clean manifest leaves out all copies of an exact duplicate, because the right label is unknown. It keeps
    near-duplicates: the small difference between them may be the reason for the different labels.
    """
    collection = checked.collection
    findings: list[Finding] = []
    for near in (False, True):
        reported = {i for finding in findings for i in finding.pictures}
        for group in checked.inspection.duplicates.of("exact", "near" if near else "exact"):
            if len({int(collection.labels[i]) for i in group}) > 1 and not reported & set(group):
                kind = "near-duplicates" if near else "duplicates"
                drop = () if near else group
                findings.append(checked.group_finding(group, kind, " with different labels", collection.label, drop))
    return findings

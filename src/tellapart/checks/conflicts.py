"""The same picture under different classes: one of the labels is wrong."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 90, "The same picture in different classes"


def find(checked: Checked) -> list[Finding]:
    """See the contract. Mirror images do not count: what tells the classes apart may be left and right.

    A clean manifest leaves very copies out on all sides, since nobody can tell which label is right; of pictures that
    are only nearly the same, the difference may be what the labels are about.
    """
    collection = checked.collection
    found: list[Finding] = []
    for near in (False, True):
        told = {i for one in found for i in one.pictures}
        for group in checked.inspection.duplicates.of("exact", "near" if near else "exact"):
            if len({int(collection.labels[i]) for i in group}) > 1 and not told & set(group):
                names, order = checked.named(group, collection.label)
                same = "nearly the same picture" if near else "the same picture"
                found.append(Finding(f"{same}: {names}", order, drop=() if near else group))
    return found

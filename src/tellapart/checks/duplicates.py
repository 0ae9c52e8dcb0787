"""The same picture more than once within a class: its very copy, or encoded anew, resized, mirrored."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 80, "Duplicates"


def find(checked: Checked) -> list[Finding]:
    """See the contract. Copies in other classes or parts are the business of other checks."""
    collection = checked.collection
    found = []
    for group in checked.inspection.duplicates.groups:
        by_place: dict[tuple[int, str], list[int]] = {}
        for i in group:
            part = str(collection.parts[i]) if collection.parts is not None else ""
            by_place.setdefault((int(collection.labels[i]), part), []).append(i)
        for same in by_place.values():
            if len(same) > 1:
                names = ", ".join(collection.keys[i] for i in same[:6]) + (", ..." if len(same) > 6 else "")
                found.append(Finding(f"{len(same)} times the same: {names}", tuple(same), drop=tuple(same[1:])))
    return found

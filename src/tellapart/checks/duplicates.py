"""The same picture more than once within a class: its very copy, or encoded anew, resized, mirrored."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 80, "Duplicates"


def find(checked: Checked) -> list[Finding]:
    """See the contract. Copies in other classes or parts are the business of other checks.

    A clean manifest keeps one of them; of very many that are nearly the same it leaves out the very copies only.
    """
    collection = checked.collection
    found = []
    for group in checked.inspection.duplicates.groups:
        by_place: dict[tuple[int, str], list[int]] = {}
        for i in group:
            split = str(collection.splits[i]) if collection.splits is not None else ""
            by_place.setdefault((int(collection.labels[i]), split), []).append(i)
        for same in by_place.values():
            if len(same) > 1:
                names = ", ".join(collection.keys[i] for i in same[:6]) + (", ..." if len(same) > 6 else "")
                words, drop = f"{len(same)} times the same: {names}", same[1:]
                if checked.one_layout(same):
                    words = f"{len(same)} nearly the same, so many that they are of one layout: {names}"
                    firsts = {checked.twins.get(i, i): i for i in reversed(same)}
                    drop = [i for i in same if firsts[checked.twins.get(i, i)] != i]
                found.append(Finding(words, tuple(same), drop=tuple(drop)))
    return found

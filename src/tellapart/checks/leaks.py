"""The same picture in training and in another part, which makes that part's figures flatter."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 100, "The same picture in different parts"


def find(checked: Checked) -> list[Finding]:
    """See the contract. A clean manifest keeps the ones outside training.

    And those in training that are only nearly the same, where they are of another class, or of one layout.
    """
    collection = checked.collection
    if collection.parts is None:
        return []
    found = []
    for group in checked.inspection.duplicates.groups:
        parts = {str(collection.parts[i]) for i in group}
        if len(parts) > 1:
            kept = "test" if "test" in parts else "validation"
            names = ", ".join(f"{collection.keys[i]} ({collection.parts[i]})" for i in group[:6])
            staying = [i for i in group if collection.parts[i] == kept]
            twins = {checked.twins.get(i, i) for i in staying}
            classes = set() if checked.one_layout(group) else {int(collection.labels[i]) for i in staying}
            drop = tuple(
                i for i in group
                if collection.parts[i] != kept
                and (checked.twins.get(i, i) in twins or int(collection.labels[i]) in classes)
            )  # fmt: skip
            found.append(Finding(f"the same picture: {names}", group, drop=drop))
    return found

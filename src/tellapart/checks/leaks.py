"""The same picture in training and in another part, which makes that part's figures flatter."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 100, "The same picture in different parts"


def find(checked: Checked) -> list[Finding]:
    """See the contract. A clean manifest keeps the ones outside training."""
    collection = checked.collection
    if collection.parts is None:
        return []
    found = []
    for group in checked.inspection.duplicates.groups:
        parts = {str(collection.parts[i]) for i in group}
        if len(parts) > 1:
            kept = "test" if "test" in parts else "validation"
            names = ", ".join(f"{collection.keys[i]} ({collection.parts[i]})" for i in group[:6])
            drop = tuple(i for i in group if collection.parts[i] != kept)
            found.append(Finding(f"the same picture: {names}", group, drop=drop))
    return found

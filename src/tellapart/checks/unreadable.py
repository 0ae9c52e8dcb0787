"""Files that cannot be read to their end."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 10, "Files that cannot be read"


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    return [
        Finding(f"{checked.collection.keys[i]}: {seen}", (i,), drop=(i,))
        for i, seen in enumerate(checked.inspection.looks)
        if isinstance(seen, str)
    ]

"""Files that cannot be read to their end."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 10, "Files that cannot be read"


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    return [
        checked.finding(i, reason, drop=(i,))
        for i, reason in enumerate(checked.inspection.summaries)
        if isinstance(reason, str)
    ]

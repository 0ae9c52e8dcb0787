"""Pictures that show nothing: of one colour, or very dark."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 60, "Blank or very dark"

BLANK, MARK = 3.0, 24
"""Standard deviation of grey values, of 255, below which there is nothing to see; where nowhere in the small copy there
is a mark of so many."""

DARK = 40.0
"""Grey value, of 255, below which 99 % of a very dark picture lies."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    found = []
    for i in checked.inspection.readable.tolist():
        key, seen = checked.collection.keys[i], checked.inspection.look(i)
        if seen.spread < BLANK and seen.marks < MARK:
            found.append(Finding(f"{key}: is of one colour (grey {seen.middle:.0f} of 255)", (i,), drop=(i,)))
        elif seen.brightest < DARK:
            found.append(Finding(f"{key}: is very dark (99 % of it below {seen.brightest:.0f} of 255)", (i,)))
    return found

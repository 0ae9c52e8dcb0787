"""Pictures of a single colour, and very dark ones."""

from tellapart.checks._blank import BLANK_DEVIATION, BLANK_RANGE
from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 70, "Blank or very dark pictures"

DARK = 40.0
"""A picture is very dark if 99 % of its grey values (0 to 255) are below this."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    findings = []
    for i in checked.inspection.readable.tolist():
        measures = checked.inspection.summary(i)
        if measures.deviation < BLANK_DEVIATION and measures.value_range < BLANK_RANGE:
            detail = f"a single colour (grey value {measures.mean:.0f} of 255)"
            findings.append(checked.finding(i, detail, drop=(i,)))
        elif measures.percentile_99 < DARK:
            detail = f"very dark (99 % of its pixels are below {measures.percentile_99:.0f} of 255)"
            findings.append(checked.finding(i, detail))
    return findings

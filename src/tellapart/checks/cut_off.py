"""Pictures with one plain mid-grey side, as left by a decoder that fills in a truncated JPEG."""

from tellapart.data.finding import Checked, Finding
from tellapart.text import percent

POSITION, TITLE = 80, "Possibly truncated (one side is mid-grey)"

SMALLEST_SHARE = 0.12
"""Share of the picture that must be grey: about an eighth. Smaller bands are hard to see. Pictures that are grey on
opposite sides do not count: they have a frame.
"""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    shares = [(i, checked.inspection.summary(i).grey_side) for i in checked.inspection.readable.tolist()]
    return [
        checked.finding(i, f"{percent(share, digits=0)} of the picture is plain grey")
        for i, share in shares
        if share > SMALLEST_SHARE
    ]

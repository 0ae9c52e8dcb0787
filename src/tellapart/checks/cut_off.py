"""Pictures with one plain mid-grey side, as left by a decoder that fills in a truncated JPEG."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 65, "Possibly truncated (one side is mid-grey)"

SMALLEST_SHARE = 0.12
"""Share of the picture that must be grey: about an eighth. Smaller bands are hard to see. Pictures that are grey on
opposite sides do not count: they have a frame.
"""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    shares = [(i, checked.inspection.summary(i).grey_side) for i in checked.inspection.readable.tolist()]
    keys = checked.collection.keys
    return [
        Finding(f"{keys[i]}: {share:.0%} of the picture is plain grey", (i,))
        for i, share in shares
        if share > SMALLEST_SHARE
    ]

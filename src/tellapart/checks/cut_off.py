"""Pictures of which one side is plain mid-grey, as decoders fill a JPEG that was cut off, and then was saved again."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 65, "One side mid-grey, as if cut off"

LEAST = 0.12
"""Share of the picture; an eighth, and less is hardly seen. Those with grey on opposite sides were given a frame."""


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    seen = [(i, checked.inspection.look(i).grey_side) for i in checked.inspection.readable.tolist()]
    keys = checked.collection.keys
    return [Finding(f"{keys[i]}: {share:.0%} of it is plain grey", (i,)) for i, share in seen if share > LEAST]

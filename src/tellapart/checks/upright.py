"""Pictures that are stored turned or mirrored, and upright by EXIF only."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 30, "Upright by EXIF only"


def find(checked: Checked) -> list[Finding]:
    """See the contract. Here they are read upright; other programs may not do so."""
    looks = ((i, checked.inspection.look(i).orientation) for i in checked.inspection.readable.tolist())
    return [
        Finding(f"{checked.collection.keys[i]}: EXIF orientation {orientation}", (i,))
        for i, orientation in looks
        if orientation != 1
    ]

"""Pictures that are stored rotated or mirrored and rely on their EXIF orientation to be shown upright."""

from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 150, "Rotated by EXIF orientation"


def find(checked: Checked) -> list[Finding]:
    """See the contract. tellapart reads these pictures upright; other programs may not."""
    orientations = ((i, checked.inspection.summary(i).orientation) for i in checked.inspection.readable.tolist())
    return [
        checked.finding(i, f"EXIF orientation {orientation}") for i, orientation in orientations if orientation != 1
    ]

"""Pictures with less detail than their size suggests: most were enlarged, or are blurred in the same way."""

import numpy as np

from tellapart.data.finding import Checked, Finding
from tellapart.data.sample import sampled_pictures
from tellapart.images.detail import LARGEST, detail

POSITION, TITLE = 100, "Enlarged pictures"


def find(checked: Checked) -> list[Finding]:
    """See the contract."""
    readable = checked.inspection.readable
    if not len(readable):
        return []
    share = detail(list(sampled_pictures(checked.collection, readable, (LARGEST, LARGEST))))
    if share == 1:
        return []
    sides = np.median([checked.inspection.summary(int(i)).shape[:2] for i in readable], axis=0)
    height, width = (int(side) for side in sides)
    detailed = [round(min(side, LARGEST * side / max(sides)) * share) for side in (width, height)]
    return [
        Finding(
            f"most pictures have no more detail at {width} x {height} than at {detailed[0]} x {detailed[1]}: they were "
            "enlarged, or are blurred",
        )
    ]

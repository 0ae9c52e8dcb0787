"""Pictures of which one side is plain mid-grey, as decoders fill a JPEG that was cut off, and then was saved again."""

import numpy as np

from tellapart.data.duplicates import SMALLEST
from tellapart.data.finding import Checked, Finding

POSITION, TITLE = 65, "One side mid-grey, as if cut off"

LEAST = 4
"""So many of the 32 lines of the small copy: an eighth of the picture."""

GREY, NEAR = 128, 1
"""What a block without data becomes, give or take what colours are rounded by."""


def find(checked: Checked) -> list[Finding]:
    """See the contract. Pictures that have grey on opposite sides too were given a frame."""
    found = []
    for i in checked.inspection.readable.tolist():
        seen = checked.inspection.look(i)
        if min(seen.shape[:2]) < SMALLEST:  # of which no small copy is kept
            continue
        grey = np.all(np.abs(seen.thumbnail.astype(np.int16) - GREY) <= NEAR, axis=2)
        for lines in (np.all(grey, axis=1).tolist(), np.all(grey, axis=0).tolist()):
            near, far = sorted((_before(lines), _before(lines[::-1])))
            if near == 0 and LEAST <= far < len(lines):
                share = far / len(lines)
                found.append(Finding(f"{checked.collection.keys[i]}: {share:.0%} of it is plain grey", (i,)))
                break
    return found


def _before(lines: list[bool]) -> int:
    """How many lines there are before the first that is not so."""
    return lines.index(False) if False in lines else len(lines)

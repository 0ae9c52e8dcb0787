"""Files whose extension names another format than they have."""

from pathlib import PurePosixPath

from tellapart.data.finding import Checked, Finding
from tellapart.images.look import EXTENSIONS

POSITION, TITLE = 20, "Wrong extensions"


def find(checked: Checked) -> list[Finding]:
    """See the contract. They are read all the same: the content decides."""
    found = []
    for i in checked.inspection.readable.tolist():
        key, kind = checked.collection.keys[i], checked.inspection.look(i).format
        suffix = PurePosixPath(key).suffix.lower()
        if kind in EXTENSIONS and suffix and suffix not in EXTENSIONS[kind]:
            found.append(Finding(f"{key}: is {kind}", (i,)))
    return found

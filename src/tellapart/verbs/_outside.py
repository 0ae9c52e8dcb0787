"""Where verbs about a collection write by default, so that it is never inside the data."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tellapart.data.collection import Collection


def outside(collection: Collection) -> Path | None:
    """Return the folder that contains the data if the current folder is inside the data, else None.

    Raises PermissionError if that folder is not writable: then there is no default place outside the data.
    """
    source, here = Path(collection.source).resolve(), Path.cwd()
    if source != here and source not in here.parents:
        return None
    if not os.access(source.parent, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(source.parent))
    return source.parent

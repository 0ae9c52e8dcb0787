"""One pass over a collection: every picture read once, in parallel, and looked at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tellapart.data import duplicates
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.duplicates import Duplicates, Traits, find_duplicates
from tellapart.errors import PictureError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.look import THUMBNAIL, Look, look, look_at_file
from tellapart.parallel import each_apart
from tellapart.progress import Listener, Progress, silent

_NOTHING = np.zeros((THUMBNAIL, THUMBNAIL, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Inspection:
    """A collection and what was seen of it: a Look a picture, or the reason why it cannot be read."""

    collection: Collection
    looks: tuple[Look | str, ...]

    @cached_property
    def readable(self) -> np.ndarray:
        """The pictures that can be read, int64 [n]."""
        return np.array([i for i, seen in enumerate(self.looks) if isinstance(seen, Look)], np.int64)

    def look(self, i: int) -> Look:
        """What was seen of picture i, which must be readable."""
        seen = self.looks[i]
        assert isinstance(seen, Look)
        return seen

    @cached_property
    def duplicates(self) -> Duplicates:
        """Pictures that are the same as others, or nearly."""
        looks = [seen if isinstance(seen, Look) else None for seen in self.looks]
        return find_duplicates(Traits.of(looks), self.readable)


def inspect(collection: Collection, on_event: Listener = silent) -> Inspection:
    """Look at every picture of a collection."""
    pictures = collection.pictures

    def one(i: int) -> Look | str:
        try:
            if isinstance(pictures, EncodedPictures):
                return look_at_file(pictures.bytes_of(i), collection.keys[i])
            return look(pictures.read(i))
        except PictureError as error:
            return error.reason

    seen: list[Look | str] = []
    with pillow_warnings_off():
        crashed: Look | str = "makes the decoder crash"
        for found in each_apart(one, range(len(collection)), crashed):
            if isinstance(found, Look) and len(collection) > duplicates.MOST:  # which are not compared
                found = replace(found, thumbnail=_NOTHING)
            seen.append(found)
            if len(seen) % 64 == 0 or len(seen) == len(collection):
                on_event(Progress("look at pictures", len(seen), len(collection)))
    return Inspection(collection, tuple(seen))

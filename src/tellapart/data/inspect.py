"""One pass over a collection: every picture read once, in parallel, and looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tellapart.data import duplicates
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.duplicates import Duplicates, Traits, find_duplicates
from tellapart.errors import PictureError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.look import THUMBNAIL, Look, look, look_at_file
from tellapart.parallel import each_in_processes
from tellapart.progress import Listener, Progress, silent

_NOTHING = np.zeros((THUMBNAIL, THUMBNAIL, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Inspection:
    """A collection and what was seen of it: a Look a picture, or the reason why it cannot be read."""

    collection: Collection
    looks: tuple[Look | str, ...]
    duplicates: Duplicates
    """Pictures that are the same as others, or nearly."""

    @cached_property
    def readable(self) -> np.ndarray:
        """The pictures that can be read, int64 [n]."""
        return _readable(self.looks)

    def look(self, i: int) -> Look:
        """What was seen of picture i, which must be readable."""
        seen = self.looks[i]
        assert isinstance(seen, Look)
        return seen


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
        for found in each_in_processes(one, range(len(collection)), crashed):
            if isinstance(found, Look) and not _compared(found, len(collection)):
                found = replace(found, thumbnail=_NOTHING)  # which would be kept for nothing
            seen.append(found)
            if len(seen) % 64 == 0 or len(seen) == len(collection):
                on_event(Progress("look at pictures", len(seen), len(collection)))
    looks = tuple(seen)
    traits = Traits.of([one if isinstance(one, Look) else None for one in looks])
    return Inspection(collection, looks, find_duplicates(traits, _readable(looks), on_event))


def _readable(looks: Sequence[Look | str]) -> np.ndarray:
    return np.array([i for i, seen in enumerate(looks) if isinstance(seen, Look)], np.int64)


def _compared(seen: Look, pictures: int) -> bool:
    """Whether near duplicates of a picture are looked for, among so many."""
    return pictures <= duplicates.MOST and min(seen.shape[:2]) >= duplicates.SMALLEST

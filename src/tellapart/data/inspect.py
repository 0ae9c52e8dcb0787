"""Read every picture of a collection once, in parallel, and summarise it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from tellapart.data import duplicates
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.duplicates import Duplicates, Traits, find_duplicates
from tellapart.data.feeding import Prepared
from tellapart.errors import PictureError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.summary import THUMBNAIL, PictureSummary, summarise, summarise_file
from tellapart.parallel import each_in_processes
from tellapart.progress import Listener, Progress, silent

_NO_THUMBNAIL = np.zeros((THUMBNAIL, THUMBNAIL, 3), np.uint8)


@dataclass(frozen=True, eq=False)
class Inspection:
    """A collection with a summary per picture, or the reason why the picture cannot be read."""

    collection: Collection
    summaries: tuple[PictureSummary | str, ...]
    duplicates: Duplicates

    @cached_property
    def readable(self) -> np.ndarray:
        """The pictures that can be read, int64 [n]."""
        return _readable(self.summaries)

    def thumbnails(self) -> Prepared:
        """Return the small copies of the pictures that can be read."""
        copies = [self.summary(i).thumbnail for i in self.readable.tolist()]
        pixels = np.stack(copies) if copies else _NO_THUMBNAIL[np.newaxis][:0]
        return Prepared(pixels, self.collection.labels[self.readable], self.readable)

    def summary(self, i: int) -> PictureSummary:
        """Return the summary of picture i, which must be readable."""
        summary = self.summaries[i]
        assert isinstance(summary, PictureSummary)
        return summary


def inspect(collection: Collection, on_event: Listener = silent) -> Inspection:
    """Read and summarise every picture of a collection, and find the duplicates."""
    pictures = collection.pictures

    def summarise_picture(i: int) -> PictureSummary | str:
        try:
            if isinstance(pictures, EncodedPictures):
                return summarise_file(pictures.bytes_of(i), collection.keys[i])
            return summarise(pictures.read(i))
        except PictureError as error:
            return error.reason

    results: list[PictureSummary | str] = []
    with pillow_warnings_off():
        crashed: PictureSummary | str = "makes the decoder crash"
        for result in each_in_processes(summarise_picture, range(len(collection)), crashed):
            if isinstance(result, PictureSummary) and len(collection) > duplicates.MAX_COMPARED:
                result = replace(result, thumbnail=_NO_THUMBNAIL)  # saves memory
            results.append(result)
            if len(results) % 64 == 0 or len(results) == len(collection):
                on_event(Progress("inspect pictures", len(results), len(collection)))
    summaries = tuple(results)
    traits = Traits.of([summary if isinstance(summary, PictureSummary) else None for summary in summaries])
    return Inspection(collection, summaries, find_duplicates(traits, _readable(summaries), on_event))


def _readable(summaries: Sequence[PictureSummary | str]) -> np.ndarray:
    return np.array([i for i, summary in enumerate(summaries) if isinstance(summary, PictureSummary)], np.int64)

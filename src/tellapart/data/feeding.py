"""From a collection to the arrays that networks eat: prepared once, in parallel, bad pictures set aside by name."""

from __future__ import annotations

import mmap
import os
import tempfile
from dataclasses import dataclass

import numpy as np

from tellapart.data.collection import ArrayPictures, Collection, SetAside
from tellapart.errors import DataError, PictureError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.preparation import Preparation
from tellapart.parallel import each
from tellapart.progress import Listener, Progress, silent

IN_MEMORY = 4 * 2**30
"""Prepared pictures of more bytes than this lie in a nameless temporary file that the system pages in."""


def batch_for(shape: tuple[int, ...]) -> int:
    """Pictures of a prepared shape that go through a network at once where no gradient is wanted: 1 to 512.

    A first layer of 32 channels in float32 then takes at most half a GiB.
    """
    return max(1, min(512, 2**29 // (shape[0] * shape[1] * 32 * 4)))


@dataclass(frozen=True)
class Prepared:
    """Pictures ready for the network.

    `pixels` uint8 [n, height, width, channels], `labels` int64 [n], `indices` int64 [n] into the collection, and the
    pictures that could not be read.
    """

    pixels: np.ndarray
    labels: np.ndarray
    indices: np.ndarray
    set_aside: tuple[SetAside, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)


def prepare_pictures(
    collection: Collection,
    indices: np.ndarray,
    preparation: Preparation,
    on_event: Listener = silent,
    task: str = "read pictures",
) -> Prepared:
    """Read and prepare some pictures of a collection, in the order of `indices`, on all cores.

    Raises DataError when none of them can be read.
    """
    source = collection.pictures
    if isinstance(source, ArrayPictures) and source.array.shape[1:] == preparation.shape:
        return Prepared(source.array[indices], collection.labels[indices], indices)
    pixels = _room((len(indices), *preparation.shape))
    good = np.ones(len(indices), bool)
    set_aside: list[SetAside] = []

    def one(position: int) -> PictureError | None:
        try:
            pixels[position] = preparation(collection.read(int(indices[position])))
        except PictureError as error:
            return error
        return None

    with pillow_warnings_off():
        for position, error in enumerate(each(one, range(len(indices)))):
            if error is not None:
                good[position] = False
                set_aside.append(SetAside(collection.keys[int(indices[position])], error.reason))
            if position % 64 == 63 or position + 1 == len(indices):
                on_event(Progress(task, position + 1, len(indices)))
    if len(indices) and not good.any():
        raise DataError(
            f"{collection.source}: none of {len(indices):,} pictures can be read ({set_aside[0].key}: "
            f"{set_aside[0].reason})",
            "pictures (JPEG, PNG, GIF, BMP, WebP, TIFF or PPM)",
            "check the files",
        )
    if good.all():
        return Prepared(pixels, collection.labels[indices], indices)
    kept = indices[good]
    for target, position in enumerate(np.flatnonzero(good).tolist()):  # in place: a second copy might not fit
        pixels[target] = pixels[position]
    return Prepared(pixels[: len(kept)], collection.labels[kept], kept, tuple(set_aside))


def _room(shape: tuple[int, ...]) -> np.ndarray:
    size = int(np.prod(shape, dtype=np.int64))
    if size <= IN_MEMORY:
        return np.empty(shape, np.uint8)
    with tempfile.TemporaryFile() as file:
        _reserve(file.fileno(), size)
        return np.frombuffer(mmap.mmap(file.fileno(), size), np.uint8).reshape(shape)  # the map outlives the file


def _reserve(handle: int, size: int) -> None:
    """Make a file of `size` bytes that are really there: a sparse one on a full disk kills whoever writes into it."""
    try:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
        else:
            os.truncate(handle, size)
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: has no room for {size:,} bytes of prepared pictures ({error.strerror})",
            "that much free space",
            "free some, set TMPDIR to another disk, or train with a smaller height and width",
        ) from error

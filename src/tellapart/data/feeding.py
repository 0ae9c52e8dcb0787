"""From a collection to the arrays that networks eat: prepared once, in parallel, bad pictures set aside by name."""

from __future__ import annotations

import atexit
import math
import os
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np

from tellapart.data import datasets
from tellapart.data.cache import Entry, Known, checksums, find_entry, reserve
from tellapart.data.collection import ArrayPictures, Collection, Skipped
from tellapart.data.duplicates import Duplicates, Traits, find_duplicates
from tellapart.data.rows import PixelFile, Pixels, some
from tellapart.errors import DataError, PictureError
from tellapart.images.decode import pillow_warnings_off
from tellapart.images.preprocessing import Preparation
from tellapart.parallel import each_in_processes, shared
from tellapart.progress import Listener, Progress, silent

IN_MEMORY = 2**30
"""Prepared pictures of more bytes than this stay in a file, from which training takes them a batch at a time."""

WORTH_KEEPING = 2.0
"""Seconds of reading that are worth a copy on disk."""

FEW = 64
"""So few pictures are read sooner than all files are looked at for a copy."""


def rows_for(shape: tuple[int, ...]) -> int:
    """How many prepared pictures uint8 of a shape are taken out of a store at once: 2,048, or 64 MiB of them."""
    return max(1, min(2048, 2**26 // math.prod(shape)))


def batch_for(shape: tuple[int, ...]) -> int:
    """Pictures of a prepared shape that go through a network at once where no gradient is wanted: 1 to 512.

    A first layer of 32 channels in float32 then takes at most half a GiB.
    """
    return max(1, min(512, 2**29 // (shape[0] * shape[1] * 32 * 4)))


@dataclass(frozen=True)
class Prepared:
    """Pictures ready for the network.

    `pixels` uint8 [n, height, width, channels], to take rows from; `labels` int64 [n], `indices` int64 [n] into the
    collection, and the pictures that could not be read.
    """

    pixels: Pixels
    labels: np.ndarray
    indices: np.ndarray
    skipped: tuple[Skipped, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Prepared:
        """Some of them, by their places here."""
        return Prepared(some(self.pixels, rows), self.labels[rows], self.indices[rows])

    def split(self, indices: np.ndarray) -> Prepared:
        """Those of some pictures of the collection, in their order here, with those of them that cannot be read."""
        wanted = set(indices.tolist()) if self.skipped else set()
        aside = tuple(item for item in self.skipped if item.index in wanted)
        found = self.take(np.flatnonzero(np.isin(self.indices, indices)))
        return Prepared(found.pixels, found.labels, found.indices, aside)


@dataclass(frozen=True, eq=False)
class PreparedCollection:
    """All pictures of a collection, ready for the network, and which of them show the same."""

    data: Prepared
    known: Known

    def duplicates(self, on_event: Listener = silent) -> Duplicates:
        """Pictures that are the same as others, or nearly, by their places in the collection."""
        return find_duplicates(self.known.traits, self.data.indices, on_event)


def prepare_collection(
    collection: Collection, preprocessing: Preparation, on_event: Listener = silent, task: str = "read pictures"
) -> PreparedCollection:
    """Read and prepare all pictures of a collection, on all cores; what took long is kept on disk for the next time.

    Raises DataError when none of them can be read, or where there is no room for what does not fit in memory.
    """
    source, everything = collection.pictures, np.arange(len(collection))
    known = Known({}, Traits.room(len(collection)))
    if isinstance(source, ArrayPictures) and source.array.shape[1:] == preprocessing.shape:
        for i, picture in enumerate(source.array):
            known.traits.note(i, picture, min(picture.shape[:2]))
        return PreparedCollection(Prepared(source.array, collection.labels, everything), known)
    entry = _entry(collection, preprocessing)
    kept = _sound(entry)
    if kept is not None and entry is not None:
        on_event(Progress(task, len(collection), len(collection)))
        try:
            held: Pixels = kept[0][:] if _fits(kept[0].shape) else kept[0]
            return PreparedCollection(_sorted(collection, everything, held, kept[1].reasons), kept[1])
        except DataError:  # a power cut, a dying disk: it is made anew
            entry.remove()
    shape = (len(collection), *preprocessing.shape)

    def fill(store: np.ndarray | PixelFile) -> np.ndarray | PixelFile:
        known.reasons.update(_fill(store, collection, everything, preprocessing, on_event, task, known.traits))
        return store

    if _fits(shape):
        began = time.monotonic()
        held = fill(shared(shape, np.uint8))
        data = _sorted(collection, everything, held, known.reasons)
        if entry is not None and time.monotonic() - began > WORTH_KEEPING and not _passing(known):
            _keep(entry, held, known)
        return PreparedCollection(data, known)
    written = _written(entry, fill, known) if entry is not None else None
    if written is not None and entry is not None and _passing(known):
        entry.remove()  # whoever has it open can read on
    held = written if written is not None else fill(_temporary(shape))
    return PreparedCollection(_sorted(collection, everything, held, known.reasons), known)


def prepare_pictures(
    collection: Collection,
    indices: np.ndarray,
    preprocessing: Preparation,
    on_event: Listener = silent,
    task: str = "read pictures",
) -> Prepared:
    """Read and prepare some pictures of a collection, in the order of `indices`, on all cores.

    What a training has left of them on disk is taken from there. Raises DataError when none of them can be read.
    """
    source = collection.pictures
    if isinstance(source, ArrayPictures) and source.array.shape[1:] == preprocessing.shape:
        return Prepared(some(source.array, indices), collection.labels[indices], indices)
    entry = _entry(collection, preprocessing) if len(indices) > FEW else None
    kept = _sound(entry)
    if kept is not None:
        on_event(Progress(task, len(indices), len(indices)))
        pixels, known = kept
        reasons = {k: known.reasons[i] for k, i in enumerate(indices.tolist()) if i in known.reasons}
        return _sorted(collection, indices, some(pixels, indices), reasons)
    shape = (len(indices), *preprocessing.shape)
    store = shared(shape, np.uint8) if _fits(shape) else _temporary(shape)
    reasons = _fill(store, collection, indices, preprocessing, on_event, task)
    return _sorted(collection, indices, store, reasons)


def _fill(
    store: np.ndarray | PixelFile,
    collection: Collection,
    indices: np.ndarray,
    preprocessing: Preparation,
    on_event: Listener,
    task: str,
    traits: Traits | None = None,
) -> dict[int, str]:
    """Put prepared pictures into the rows of a store; where one cannot be read, the place in `indices` and why."""
    reasons: dict[int, str] = {}

    def one(position: int) -> str | None:
        try:
            pixels = collection.read(int(indices[position]), preprocessing.least)
            image = preprocessing.image(pixels)
            prepared = store[position] = np.asarray(image).reshape(preprocessing.shape)
            if traits is not None and preprocessing.keeps_the_view:
                traits.note(position, prepared, min(pixels.shape[:2]), image)
            elif traits is not None:
                traits.note(position, pixels, min(pixels.shape[:2]))
        except PictureError as error:
            return error.reason
        return None

    with pillow_warnings_off():
        crashed: str | None = "makes the decoder crash"
        for position, reason in enumerate(each_in_processes(one, range(len(indices)), crashed)):
            if reason is not None:
                reasons[position] = reason
            if position % 64 == 63 or position + 1 == len(indices):
                on_event(Progress(task, position + 1, len(indices)))
    return reasons


def _sorted(collection: Collection, indices: np.ndarray, pixels: Pixels, reasons: dict[int, str]) -> Prepared:
    """The readable pictures of a store, and the others by name. Raises DataError when there are none to read."""
    bad = [(int(indices[position]), reason) for position, reason in sorted(reasons.items())]
    skipped = tuple(Skipped(collection.keys[i], reason, i) for i, reason in bad)
    if not skipped:
        return Prepared(pixels, collection.labels[indices], indices)
    if len(skipped) == len(indices):
        raise DataError(
            f"{collection.source}: none of {len(indices):,} pictures can be read ({skipped[0].key}: "
            f"{skipped[0].reason})",
            "pictures (JPEG, PNG, GIF, BMP, WebP, TIFF or PPM)",
            "check the files",
        )
    good = np.delete(np.arange(len(indices)), list(reasons))
    return Prepared(some(pixels, good), collection.labels[indices[good]], indices[good], skipped)


def _sound(entry: Entry | None) -> tuple[PixelFile, Known] | None:
    """What is kept, where it is of use: a reason that may pass is there where the system let nobody remove the copy."""
    kept = entry.load() if entry is not None else None
    if kept is None or not _passing(kept[1]):
        return kept
    kept[0].file.close()
    return None


def _passing(known: Known) -> bool:
    """Whether a reason may be another the next time: a share that was away, memory that was short."""
    return any(
        why.startswith(("cannot be read", "does not fit", "makes the decoder")) for why in known.reasons.values()
    )


def _written(entry: Entry, fill: Callable[[PixelFile], np.ndarray | PixelFile], known: Known) -> PixelFile | None:
    """A kept copy made by `fill`, to be read from its file; None where there is no room for one."""
    try:
        with entry.writing() as file:
            store = PixelFile(file, entry.shape)
            fill(store)
            sums = checksums(store)
            entry.finish(file, sums, known)
        return PixelFile(entry.path.open("rb"), entry.shape, 0, sums)
    except OSError:
        known.reasons.clear()
        return None


def _temporary(shape: tuple[int, int, int, int]) -> PixelFile:
    """Room in a nameless file that goes when nobody holds it any more."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the store
    size = int(np.prod(shape, dtype=np.int64))
    try:
        reserve(cast(BinaryIO, file), size)
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: has no room for {size:,} bytes of prepared pictures ({error.strerror})",
            "that much free space",
            "free some, set TMPDIR to another disk, or train with a smaller height and width",
        ) from error
    return PixelFile(cast(BinaryIO, file), shape)


def _fits(shape: tuple[int, ...]) -> bool:
    return int(np.prod(shape, dtype=np.int64)) <= IN_MEMORY


_keeping: list[threading.Thread] = []


def _wait() -> None:
    """Until the copies that are being written have been."""
    while _keeping:
        _keeping.pop().join()


atexit.register(_wait)  # or a program that ends at once would leave a piece of one


def _keep(entry: Entry, pictures: np.ndarray | PixelFile, known: Known) -> None:
    """Write a copy while other work goes on."""
    thread = threading.Thread(target=entry.write, args=(pictures, known), name="keep pictures")
    _keeping.append(thread)
    thread.start()


def _entry(collection: Collection, preprocessing: Preparation) -> Entry | None:
    """Where a copy is or would be, after those that are being written have been; None where none is wanted."""
    _wait()
    if os.environ.get("TELLAPART_KEEP_PICTURES") == "0":
        return None
    return find_entry(collection, preprocessing, datasets.cache_folder() / "prepared")

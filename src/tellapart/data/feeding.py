"""Prepare the pictures of a collection for a network: once, in parallel, and skipping pictures that cannot be read."""

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
from PIL import Image

from tellapart.data import datasets
from tellapart.data.cache import Entry, Known, Unreadable, checksums_of, find_entry, reserve
from tellapart.data.collection import ArrayPictures, Collection, EncodedPictures, Skipped
from tellapart.data.duplicates import Duplicates, Traits, find_duplicates
from tellapart.data.pixel_store import PixelFile, Pixels, select_rows
from tellapart.errors import DataError, PictureError
from tellapart.images.decode import missing_share, pillow_warnings_off, pixels_of
from tellapart.images.grid import grid_means
from tellapart.images.preprocessing import Preparation
from tellapart.images.samples import rescaled
from tellapart.parallel import each_in_processes, shared
from tellapart.progress import Listener, Note, Progress, silent

IN_MEMORY = 2**30
"""Prepared pictures with more bytes stay in a file, from which training reads them a batch at a time."""

WORTH_KEEPING = 2.0
"""If reading takes longer, in seconds, the prepared pictures are kept on disk."""

FEW = 64
"""Up to this number, reading the pictures is faster than searching for a copy on disk."""


def rows_for(shape: tuple[int, ...]) -> int:
    """Return how many pictures of a prepared shape are read from a store at once: 2,048, or 64 MiB of them."""
    return max(1, min(2048, 2**26 // math.prod(shape)))


def batch_for(shape: tuple[int, ...]) -> int:
    """Return the batch size for inference with pictures of a prepared shape: 1 to 512.

    A first layer of 32 channels in float32 then needs at most half a GiB.
    """
    return max(1, min(512, 2**29 // (shape[0] * shape[1] * 32 * 4)))


@dataclass(frozen=True)
class Prepared:
    """Pictures that are ready for the network.

    Attributes:
        pixels: uint8 [n, height, width, channels]; indexing returns rows.
        labels: int64 [n].
        indices: int64 [n], the positions of the pictures in the collection.
        skipped: The pictures that could not be read.
        features: float32 [n, features], what a pretrained backbone makes of each picture; None if there is none.
        grid: float32 [n, channels * 64], `grid_means` of each picture, if they are known.
    """

    pixels: Pixels
    labels: np.ndarray
    indices: np.ndarray
    skipped: tuple[Skipped, ...] = ()
    features: np.ndarray | None = None
    grid: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: np.ndarray) -> Prepared:
        """Return some rows, int64 [k], of these pictures."""
        return self._rows(rows, ())

    def select(self, indices: np.ndarray) -> Prepared:
        """Return the pictures with these positions in the collection, in their order here, and the skipped of them."""
        wanted = set(indices.tolist()) if self.skipped else set()
        skipped = tuple(item for item in self.skipped if item.index in wanted)
        return self._rows(np.flatnonzero(np.isin(self.indices, indices)), skipped)

    def coarse(self) -> np.ndarray:
        """Return `grid_means` of the pictures, known ones or computed now."""
        if self.grid is not None:
            return self.grid
        step = rows_for(self.pixels.shape[1:])
        return np.concatenate([grid_means(self.pixels[i : i + step]) for i in range(0, len(self), step)])

    def _rows(self, rows: np.ndarray, skipped: tuple[Skipped, ...]) -> Prepared:
        known = (None if values is None else values[rows] for values in (self.features, self.grid))
        return Prepared(select_rows(self.pixels, rows), self.labels[rows], self.indices[rows], skipped, *known)


@dataclass(frozen=True, eq=False)
class PreparedCollection:
    """All pictures of a collection, ready for the network, and what is known of the original pictures."""

    data: Prepared
    known: Known

    def duplicates(self, on_event: Listener = silent) -> Duplicates:
        """Find duplicates and near-duplicates, by their positions in the collection."""
        return find_duplicates(self.known.traits, self.data.indices, on_event)


def prepare_collection(
    collection: Collection, preprocessing: Preparation, on_event: Listener = silent, task: str = "read pictures"
) -> PreparedCollection:
    """Read and prepare all pictures of a collection, on all cores; if that takes long, the result is kept on disk.

    Raises DataError if no picture can be read, or if there is no disk space for pictures that do not fit in memory.
    """
    everything = np.arange(len(collection))
    known = Known({}, Traits.room(len(collection)))
    if (ready := _ready(collection, preprocessing)) is not None:
        for i, picture in enumerate(ready):
            known.traits.note(i, picture, min(picture.shape[:2]))
        return PreparedCollection(Prepared(ready, collection.labels, everything), known)
    entry = entry_of(collection, preprocessing)
    stored = _load(entry)
    if stored is not None and entry is not None:
        on_event(Progress(task, len(collection), len(collection)))
        try:
            pixels: Pixels = stored[0][:] if _fits(stored[0].shape) else stored[0]
            _report_incomplete(collection, stored[1], on_event)
            return PreparedCollection(
                _without_unreadable(collection, everything, pixels, stored[1].unreadable), stored[1]
            )
        except DataError:  # damaged by a power failure or a failing disk: it is made again
            entry.remove()
    shape = (len(collection), *preprocessing.shape)

    def fill(store: np.ndarray | PixelFile) -> np.ndarray | PixelFile:
        faults = _fill(store, collection, everything, preprocessing, on_event, task, known.traits)
        known.unreadable.update((i, fault) for i, fault in faults.items() if not fault.was_read)
        known.incomplete.update(i for i, fault in faults.items() if fault.was_read)
        _report_incomplete(collection, known, on_event)
        return store

    if _fits(shape):
        start = time.monotonic()
        in_memory = fill(shared(shape, np.uint8))
        data = _without_unreadable(collection, everything, in_memory, known.unreadable)
        if entry is not None and time.monotonic() - start > WORTH_KEEPING and not _is_temporary(known):
            _keep(entry, in_memory, known)
        return PreparedCollection(data, known)
    written = _written(entry, fill, known) if entry is not None else None
    if written is not None and entry is not None and _is_temporary(known):
        entry.remove()  # the open file can still be read
    on_disk = written if written is not None else fill(_temporary(shape))
    return PreparedCollection(_without_unreadable(collection, everything, on_disk, known.unreadable), known)


def prepare_pictures(
    collection: Collection,
    indices: np.ndarray,
    preprocessing: Preparation,
    on_event: Listener = silent,
    task: str = "read pictures",
) -> Prepared:
    """Read and prepare some pictures of a collection, in the order of `indices`, on all cores.

    A copy that a training has kept on disk is used. Raises DataError if no picture can be read.
    """
    if (ready := _ready(collection, preprocessing)) is not None:
        return Prepared(select_rows(ready, indices), collection.labels[indices], indices)
    entry = entry_of(collection, preprocessing) if len(indices) > FEW else None
    stored = _load(entry)
    if stored is not None:
        on_event(Progress(task, len(indices), len(indices)))
        pixels, known = stored
        unreadable = {k: known.unreadable[i] for k, i in enumerate(indices.tolist()) if i in known.unreadable}
        return _without_unreadable(collection, indices, select_rows(pixels, indices), unreadable)
    shape = (len(indices), *preprocessing.shape)
    store = shared(shape, np.uint8) if _fits(shape) else _temporary(shape)
    faults = _fill(store, collection, indices, preprocessing, on_event, task)
    unreadable = {position: fault for position, fault in faults.items() if not fault.was_read}
    return _without_unreadable(collection, indices, store, unreadable)


def _fill(
    store: np.ndarray | PixelFile,
    collection: Collection,
    indices: np.ndarray,
    preprocessing: Preparation,
    on_event: Listener,
    task: str,
    traits: Traits | None = None,
) -> dict[int, Unreadable]:
    """Write prepared pictures into the rows of a store.

    Returns why some cannot be read, or not completely, by position in `indices`.
    """
    unreadable: dict[int, Unreadable] = {}

    def prepare(position: int) -> Unreadable | None:
        try:
            whole = _read(collection, int(indices[position]), preprocessing)
            image = preprocessing.image(whole)
            prepared = store[position] = np.asarray(image).reshape(preprocessing.shape)
            if traits is not None and preprocessing.keeps_detail:
                traits.note(position, prepared, min(whole.size), image)
            elif traits is not None:
                traits.note(position, pixels_of(whole), min(whole.size))
            if missing := missing_share(whole):
                return Unreadable(f"ends early ({missing:.1%} missing)", was_read=True)
        except PictureError as error:
            return Unreadable(error.reason, error.temporary)
        return None

    with pillow_warnings_off():
        crashed: Unreadable | None = Unreadable("makes the decoder crash", temporary=True)
        for position, fault in enumerate(each_in_processes(prepare, range(len(indices)), crashed)):
            if fault is not None:
                unreadable[position] = fault
            if position % 64 == 63 or position + 1 == len(indices):
                on_event(Progress(task, position + 1, len(indices)))
    return unreadable


def _ready(collection: Collection, preprocessing: Preparation) -> np.ndarray | None:
    """Return the pictures of a collection if they are one array of the prepared shape, else None."""
    source = collection.pictures
    if not isinstance(source, ArrayPictures) or source.array.shape[1:] != preprocessing.shape:
        return None
    return rescaled(source.array, collection.value_range, preprocessing.values)


def _read(collection: Collection, i: int, preprocessing: Preparation) -> Image.Image:
    """Return picture i as preprocessing needs it: with its samples, not with those that the collection suggests."""
    if isinstance(collection.pictures, EncodedPictures):
        return collection.pictures.image(i, preprocessing.least, preprocessing.samples)
    pixels = rescaled(collection.read(i, preprocessing.least), collection.value_range, preprocessing.values)
    return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


def _report_incomplete(collection: Collection, known: Known, on_event: Listener) -> None:
    """Name the pictures that end early but were read."""
    if known.incomplete:
        names = [collection.keys[i] for i in sorted(known.incomplete)[:3]]
        more = f" and {len(known.incomplete) - 3:,} more" if len(known.incomplete) > 3 else ""
        count = len(known.incomplete)
        what = "picture ends early and was" if count == 1 else "pictures end early and were"
        on_event(Note(f"note: {count:,} {what} read as far as possible: {', '.join(names)}{more}", warning=True))


def _without_unreadable(
    collection: Collection, indices: np.ndarray, pixels: Pixels, unreadable: dict[int, Unreadable]
) -> Prepared:
    """Return the readable pictures of a store, and the skipped ones. Raises DataError if none can be read."""
    bad = [(int(indices[position]), fault) for position, fault in sorted(unreadable.items())]
    skipped = tuple(Skipped(collection.keys[i], fault.reason, i) for i, fault in bad)
    if not skipped:
        return Prepared(pixels, collection.labels[indices], indices)
    if len(skipped) == len(indices):
        raise DataError(
            f"{collection.source}: none of {len(indices):,} pictures can be read ({skipped[0].key}: "
            f"{skipped[0].reason})",
            "pictures (JPEG, PNG, GIF, BMP, WebP, TIFF or PPM)",
            "check the files",
        )
    good = np.delete(np.arange(len(indices)), list(unreadable))
    return Prepared(select_rows(pixels, good), collection.labels[indices[good]], indices[good], skipped)


def _load(entry: Entry | None) -> tuple[PixelFile, Known] | None:
    """Return what an entry has stored, or None; also None if pictures are missing for a temporary reason.

    Such an entry exists only where the system did not allow to remove it while it was open.
    """
    stored = entry.load() if entry is not None else None
    if stored is None or not _is_temporary(stored[1]):
        return stored
    stored[0].file.close()
    return None


def _is_temporary(known: Known) -> bool:
    """Return whether a picture that could not be read may be readable later."""
    return any(fault.temporary for fault in known.unreadable.values())


def _written(entry: Entry, fill: Callable[[PixelFile], np.ndarray | PixelFile], known: Known) -> PixelFile | None:
    """Write an entry with `fill` and return its pictures, which stay in its file; None if there is no space for it."""
    try:
        with entry.writing() as file:
            store = PixelFile(file, entry.shape)
            fill(store)
            checksums = checksums_of(store)
            entry.finish(file, checksums, known)
        return PixelFile(entry.path.open("rb"), entry.shape, 0, checksums)
    except OSError:
        known.unreadable.clear()
        known.incomplete.clear()
        return None


def _temporary(shape: tuple[int, int, int, int]) -> PixelFile:
    """Return a store in a nameless temporary file, which the system removes when it is closed."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the store
    size = int(np.prod(shape, dtype=np.int64))
    try:
        reserve(cast(BinaryIO, file), size)
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: has no space for {size:,} bytes of prepared pictures ({error.strerror})",
            "enough free disk space",
            "free some space, set TMPDIR to another disk, or train with a smaller height and width",
        ) from error
    return PixelFile(cast(BinaryIO, file), shape)


def _fits(shape: tuple[int, ...]) -> bool:
    return int(np.prod(shape, dtype=np.int64)) <= IN_MEMORY


_writers: list[threading.Thread] = []
"""Threads that write copies."""


def wait_for_copies() -> None:
    """Wait until all copies are written."""
    while _writers:
        _writers.pop().join()


atexit.register(wait_for_copies)  # otherwise a program that ends early would leave an incomplete copy


def _keep(entry: Entry, pictures: np.ndarray | PixelFile, known: Known) -> None:
    """Write a copy in the background."""
    thread = threading.Thread(target=entry.write, args=(pictures, known), name="keep pictures")
    _writers.append(thread)
    thread.start()


def entry_of(collection: Collection, preprocessing: Preparation) -> Entry | None:
    """Return the entry for the prepared pictures, after waiting for copies; None if copies are switched off."""
    wait_for_copies()
    if os.environ.get("TELLAPART_KEEP_PICTURES") == "0":
        return None
    return find_entry(collection, preprocessing, datasets.cache_folder() / "prepared")

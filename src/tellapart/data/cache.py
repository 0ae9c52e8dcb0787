"""Keep prepared pictures on disk between trainings, and find them again by a hash of the files and the preprocessing.

An entry is one file: the pictures one after the other, then what is known of each picture, then a hash. It gets its
name when all of it is written. It is not flushed to the disk: after a power failure, the hashes show whether it is
complete. A damaged entry is made again, or, if a training is using it, reported.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import PIL

from tellapart.data.collection import Collection, as_bytes
from tellapart.data.duplicates import Traits
from tellapart.data.pixel_store import PixelFile
from tellapart.errors import TellapartError
from tellapart.images.preprocessing import Preparation

VERSION = 6
SUFFIX = ".pixels"
_END = b"tellapart pixels"
_TAIL = len(_END) + 32

MOST_BYTES = 20 * 2**30
"""The most bytes of all entries; the least recently used are removed first."""

SPARE_BYTES = 2 * 2**30
"""Free disk space that entries leave."""

LEFTOVER = 86_400.0
"""Seconds after which an unfinished file is removed: its process must have crashed."""


class Unreadable(NamedTuple):
    """Why a picture could not be read, and whether that is temporary: an unreachable share, or too little memory.

    `was_read` is true for a picture that could be read, but not completely.
    """

    reason: str
    temporary: bool = False
    was_read: bool = False


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of every picture of a collection apart from its prepared pixels.

    `unreadable` has the pictures that could not be read, by position; `traits` are those of the decoded pictures;
    `incomplete` are the positions of those that end early.
    """

    unreadable: dict[int, Unreadable]
    traits: Traits
    incomplete: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class Entry:
    """The file for the prepared pictures of one collection, in one state and with one preprocessing."""

    path: Path
    shape: tuple[int, int, int, int]

    @property
    def size(self) -> int:
        """The size of the pictures in bytes."""
        return int(np.prod(self.shape, dtype=np.int64))

    def load(self) -> tuple[PixelFile, Known] | None:
        """Return the pictures, which stay on disk, and what is known of them; None if there is no valid entry."""
        try:
            file = self.path.open("rb")
        except OSError:
            return None
        try:
            checksums, known = self._read_known(file)
            with contextlib.suppress(OSError):
                os.utime(self.path)  # recently used
        except Exception:  # damaged, or from another version: the entry will be made again
            file.close()
            return None
        return PixelFile(file, self.shape, 0, checksums), known

    def remove(self) -> None:
        """Remove the entry; some systems do not allow that while it is open."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _read_known(self, file: BinaryIO) -> tuple[np.ndarray, Known]:
        end = file.seek(-_TAIL, os.SEEK_END)
        if file.read(_TAIL) != _END + self._digest(file, end):
            raise ValueError("damaged")
        file.seek(self.size)
        checksums, words, *traits = (np.load(file, allow_pickle=False) for _ in range(5))
        unreadable, incomplete = json.loads(str(words))
        faults = {int(i): Unreadable(*why) for i, why in unreadable}
        return checksums, Known(faults, Traits(*traits), set(map(int, incomplete)))

    def _digest(self, file: BinaryIO, end: int) -> bytes:
        """Return the SHA-256 of the bytes after the pictures up to `end`, read in pieces, since they may be many."""
        digest, left = hashlib.sha256(), end - file.seek(self.size)
        while left > 0 and (piece := file.read(min(left, 2**20))):
            digest.update(piece)
            left -= len(piece)
        return digest.digest()

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """Provide a file with enough space for the pictures, which the caller must `finish`.

        Any exception removes the file. Raises OSError if there is not enough space.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        make_room(self.path.parent, self.size)
        handle, name = tempfile.mkstemp(prefix=f".{self.path.name}.", suffix=".part", dir=self.path.parent)
        try:
            with os.fdopen(handle, "rb+") as file:
                reserve(file, self.size)
                yield file
            Path(name).replace(self.path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                Path(name).unlink()

    def finish(self, file: BinaryIO, checksums: np.ndarray, known: Known) -> None:
        """Write what is known of the pictures after them."""
        traits = known.traits
        file.seek(self.size)
        words = np.array(json.dumps([sorted(known.unreadable.items()), sorted(known.incomplete)]))
        for column in (checksums, words, traits.digests, traits.sides, traits.thumbnails):
            np.save(file, column, allow_pickle=False)
        end = file.tell()
        digest = self._digest(file, end)
        file.seek(end)
        file.write(_END + digest)
        file.flush()

    def write(self, pictures: np.ndarray | PixelFile, known: Known) -> None:
        """Write pictures that are in memory, if there is enough space on the disk; else do nothing."""
        with contextlib.suppress(OSError, TellapartError), self.writing() as file:
            file.seek(0)
            file.write(np.ascontiguousarray(pictures).data.cast("B"))
            self.finish(file, checksums_of(pictures), known)


def find_entry(collection: Collection, preprocessing: Preparation, folder: Path) -> Entry | None:
    """Return the entry for the prepared pictures of a collection, whether it exists or not.

    It depends on names, sizes and times of the files (checksums in a zip), and on the preprocessing. Returns None if
    changes of the pictures cannot be noticed, as for arrays.
    """
    decoder = PIL.__version__  # another release may read other files
    digest = hashlib.sha256(f"{VERSION} {decoder} {preprocessing.model_dump_json()}".encode())
    for i, key in enumerate(collection.keys):
        stamp = collection.pictures.stamp(i)
        if stamp is None:
            return None
        digest.update(as_bytes(f"\0{key}\0") + stamp)
    return Entry(folder / f"{digest.hexdigest()[:32]}{SUFFIX}", (len(collection), *preprocessing.shape))


def make_room(folder: Path, wanted: int) -> None:
    """Remove leftovers of crashes and the least recently used entries until there is space for `wanted` more bytes.

    Raises OSError, and removes no entry, if removing all of them would not be enough.
    """
    for path in folder.glob(f".*{SUFFIX}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFTOVER:
                path.unlink()
    entries = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            entries.append((path.stat().st_mtime, path.stat().st_size, path))
    entries.sort()
    total = sum(size for _, size, _ in entries)
    if wanted > MOST_BYTES or shutil.disk_usage(folder).free + total < wanted + SPARE_BYTES:
        raise OSError(errno.ENOSPC, f"no space for {wanted:,} bytes")
    while entries and (total + wanted > MOST_BYTES or shutil.disk_usage(folder).free < wanted + SPARE_BYTES):
        _, size, path = entries.pop(0)
        total -= size
        with contextlib.suppress(OSError):
            path.unlink()
    if shutil.disk_usage(folder).free < wanted + SPARE_BYTES:  # an entry could not be removed
        raise OSError(errno.ENOSPC, f"no space for {wanted:,} bytes")


def reserve(file: BinaryIO, size: int) -> None:
    """Allocate `size` bytes for a file, so that a full disk is noticed before the work and not during it.

    Raises OSError if there is not enough space.
    """
    if hasattr(os, "posix_fallocate") and size:
        os.posix_fallocate(file.fileno(), 0, size)
        return
    if hasattr(os, "fstatvfs"):  # macOS, whose file systems do not allocate unwritten bytes
        disk = os.fstatvfs(file.fileno())
        if disk.f_bavail * disk.f_frsize < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    file.truncate(size)


def checksums_of(pictures: np.ndarray | PixelFile) -> np.ndarray:
    """Return the CRC-32 of each picture of uint8 [n, height, width, channels]: uint32 [n]."""
    rows = (pictures[i].tobytes() for i in range(len(pictures)))
    return np.fromiter((zlib.crc32(row) for row in rows), np.uint32, len(pictures))

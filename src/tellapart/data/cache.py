"""Prepared pictures kept on disk between trainings: found again by what they are made of, whole or not at all.

An entry is one file: the pictures one after the other, then what is known of each, then where that begins and its hash.
It gets its name when all of it is written. Nothing is waited for to reach the disk: what a power cut leaves of it is
known for what it is by the hashes. It is then made anew, or, where it is met in the middle of a training, named.
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
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL

from tellapart.data.collection import Collection, as_bytes
from tellapart.data.duplicates import Traits
from tellapart.data.rows import PixelFile
from tellapart.errors import TellapartError
from tellapart.images.preprocessing import Preparation

VERSION = 4
SUFFIX = ".pixels"
_END = b"tellapart pixels"
_TAIL = len(_END) + 32

MOST_BYTES = 20 * 2**30
"""Entries are kept up to this sum; those used longest ago make room."""

SPARE_BYTES = 2 * 2**30
"""So much of the disk is left free."""

LEFTOVER = 86_400.0
"""Seconds after which an unfinished file is taken for a crash's."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of every picture of a collection beside its prepared pixels: why not, and what it is compared by.

    `reasons` holds, for those that could not be read, why; `traits` are of the pictures as they were decoded.
    """

    reasons: dict[int, str]
    traits: Traits


@dataclass(frozen=True)
class Entry:
    """A place for the prepared pictures of one collection in one state and preparation."""

    path: Path
    shape: tuple[int, int, int, int]

    @property
    def size(self) -> int:
        """Of the pictures."""
        return int(np.prod(self.shape, dtype=np.int64))

    def load(self) -> tuple[PixelFile, Known] | None:
        """The pictures, still on disk, and what is known of them; None where there is no sound entry."""
        try:
            file = self.path.open("rb")
        except OSError:
            return None
        try:
            found = self._known(file)
            with contextlib.suppress(OSError):
                os.utime(self.path)  # used now
        except Exception:  # damaged, or of another version: it is made anew
            file.close()
            return None
        sums, known = found
        return PixelFile(file, self.shape, 0, sums), known

    def remove(self) -> None:
        """Take the entry away, as far as the system allows that while somebody reads it."""
        with contextlib.suppress(OSError):
            self.path.unlink()

    def _known(self, file: BinaryIO) -> tuple[np.ndarray, Known]:
        end = file.seek(-_TAIL, os.SEEK_END)
        if file.read(_TAIL) != _END + self._digest(file, end):
            raise ValueError("damaged")
        file.seek(self.size)
        sums, reasons, *traits = (np.load(file, allow_pickle=False) for _ in range(5))
        return sums, Known({int(i): why for i, why in json.loads(str(reasons))}, Traits(*traits))

    def _digest(self, file: BinaryIO, end: int) -> bytes:
        """The SHA-256 of what is known, from behind the pictures to `end`; a piece at a time, for it may be large."""
        digest, left = hashlib.sha256(), end - file.seek(self.size)
        while left > 0 and (piece := file.read(min(left, 2**20))):
            digest.update(piece)
            left -= len(piece)
        return digest.digest()

    @contextmanager
    def writing(self) -> Iterator[BinaryIO]:
        """A file for the pictures, with room for all of them; `finish` it. Whatever is raised leaves no file behind.

        Raises OSError where there is no room.
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

    def finish(self, file: BinaryIO, sums: np.ndarray, known: Known) -> None:
        """Write what is known behind the pictures."""
        traits = known.traits
        file.seek(self.size)
        words = np.array(json.dumps(sorted(known.reasons.items())))
        for column in (sums, words, traits.digests, traits.sides, traits.thumbnails):
            np.save(file, column, allow_pickle=False)
        end = file.tell()
        digest = self._digest(file, end)
        file.seek(end)
        file.write(_END + digest)
        file.flush()

    def write(self, pictures: np.ndarray | PixelFile, known: Known) -> None:
        """Keep pictures that are in memory, where there is room; that there is none is no fault."""
        with contextlib.suppress(OSError, TellapartError), self.writing() as file:
            file.seek(0)
            file.write(np.ascontiguousarray(pictures).data.cast("B"))
            self.finish(file, checksums(pictures), known)


def find_entry(collection: Collection, preprocessing: Preparation, folder: Path) -> Entry | None:
    """Where the prepared pictures of a collection are or would be; None where nobody can tell that its files changed.

    Decided by names, sizes and times of the files (checksums in a zip), and by the preparation.
    """
    decoder = PIL.__version__  # what one release cannot read another may
    digest = hashlib.sha256(f"{VERSION} {decoder} {preprocessing.model_dump_json()}".encode())
    for i, key in enumerate(collection.keys):
        stamp = collection.pictures.stamp(i)
        if stamp is None:
            return None
        digest.update(as_bytes(f"\0{key}\0") + stamp)
    return Entry(folder / f"{digest.hexdigest()[:32]}{SUFFIX}", (len(collection), *preprocessing.shape))


def make_room(folder: Path, wanted: int) -> None:
    """Remove what crashes left and the entries used longest ago, until `wanted` more bytes fit in.

    Raises OSError where they would not with all of those gone; then none is removed.
    """
    for path in folder.glob(f".*{SUFFIX}.*.part"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > LEFTOVER:
                path.unlink()
    held = []
    for path in folder.glob(f"*{SUFFIX}"):
        with contextlib.suppress(OSError):
            held.append((path.stat().st_mtime, path.stat().st_size, path))
    held.sort()
    total = sum(size for _, size, _ in held)
    if wanted > MOST_BYTES or shutil.disk_usage(folder).free + total < wanted + SPARE_BYTES:
        raise OSError(errno.ENOSPC, f"no room for {wanted:,} bytes")
    while held and (total + wanted > MOST_BYTES or shutil.disk_usage(folder).free < wanted + SPARE_BYTES):
        _, size, path = held.pop(0)
        total -= size
        with contextlib.suppress(OSError):
            path.unlink()
    if shutil.disk_usage(folder).free < wanted + SPARE_BYTES:  # an entry could not be removed
        raise OSError(errno.ENOSPC, f"no room for {wanted:,} bytes")


def reserve(file: BinaryIO, size: int) -> None:
    """Give a file `size` bytes that are really there: a full disk is then met before the work and not within it.

    Raises OSError.
    """
    if hasattr(os, "posix_fallocate") and size:
        os.posix_fallocate(file.fileno(), 0, size)
        return
    if hasattr(os, "fstatvfs"):  # as on macOS, whose file systems give no room to what is not written yet
        disk = os.fstatvfs(file.fileno())
        if disk.f_bavail * disk.f_frsize < size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    file.truncate(size)


def checksums(pictures: np.ndarray | PixelFile) -> np.ndarray:
    """Of each picture of uint8 [n, height, width, channels], uint32 [n]."""
    rows = (pictures[i].tobytes() for i in range(len(pictures)))
    return np.fromiter((zlib.crc32(row) for row in rows), np.uint32, len(pictures))

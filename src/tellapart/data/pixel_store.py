"""Prepared pictures to take rows from: an array, a file from which rows are read, or selected rows of either.

Pictures that do not fit in memory are never memory-mapped: a process is charged for every mapped page that it touches.
"""

from __future__ import annotations

import hashlib
import os
import threading
import weakref
import zlib
from typing import Any, BinaryIO

import numpy as np

from tellapart.errors import DataError

Key = int | slice | np.ndarray | list[int]


class PixelFile:
    """Pictures uint8 [n, height, width, channels], one after the other in a file from `offset` on.

    Indexing reads the rows, in the order of the index, and compares each with its checksum uint32 [n], if there are
    any. Raises DataError for a damaged row. Several threads may use it.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self, file: BinaryIO, shape: tuple[int, int, int, int], offset: int = 0, checksums: np.ndarray | None = None
    ) -> None:
        self.file, self.shape, self.offset, self.checksums = file, shape, offset, checksums
        self.row_bytes = int(np.prod(shape[1:]))
        self._lock = threading.Lock()
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Key) -> np.ndarray:
        if isinstance(key, (int, np.integer)):
            picture: np.ndarray = self._read(np.array([range(len(self))[key]]))[0]
            return picture
        return self._read(np.arange(len(self))[key])

    def __setitem__(self, row: int, picture: np.ndarray) -> None:
        data = np.ascontiguousarray(picture, np.uint8).tobytes()
        place = self.offset + row * self.row_bytes
        if hasattr(os, "pwrite"):
            os.pwrite(self.file.fileno(), data, place)
        else:
            with self._lock:
                self.file.seek(place)
                self.file.write(data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    def _read(self, rows: np.ndarray) -> np.ndarray:
        pictures = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for k, row in enumerate(rows.tolist()):
            target = memoryview(pictures[k].reshape(-1))
            if not self._fill(target, self.offset + row * self.row_bytes) or (
                self.checksums is not None and zlib.crc32(target) != self.checksums[row]
            ):
                raise DataError(
                    f"{self.file.name}: the stored copy of picture {row} is damaged",
                    "the bytes that were written",
                    "delete this file; it will be made again from the pictures",
                )
        return pictures

    def _fill(self, target: memoryview, place: int) -> bool:
        """Read bytes from a place in the file; return whether there were enough."""
        if hasattr(os, "preadv"):
            return os.preadv(self.file.fileno(), [target], place) == len(target)
        with self._lock:
            self.file.seek(place)
            data = self.file.read(len(target))
        target[: len(data)] = data
        return len(data) == len(target)


class SelectedRows:
    """The rows int64 [n] of pictures, in any order, without copying the pictures."""

    dtype = np.dtype(np.uint8)

    def __init__(self, pictures: np.ndarray | PixelFile, rows: np.ndarray) -> None:
        self.pictures, self.rows = pictures, rows

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """[n, height, width, channels]"""
        height, width, channels = self.pictures.shape[1:]
        return len(self.rows), height, width, channels

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: Key) -> np.ndarray:
        rows = self.rows[key]
        pictures: np.ndarray = self.pictures[int(rows) if isinstance(rows, np.integer) else rows]
        return pictures

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


Pixels = np.ndarray | PixelFile | SelectedRows
"""Pictures uint8 [n, height, width, channels]. An index - one, a slice or several - returns an array."""


def select_rows(pictures: Pixels, rows: np.ndarray) -> Pixels:
    """Return the rows int64 [n] of pictures; they are read when they are indexed."""
    if isinstance(pictures, SelectedRows):
        return SelectedRows(pictures.pictures, pictures.rows[rows])
    return SelectedRows(pictures, rows)


def pixels_digest(pictures: Pixels) -> str:
    """Return the SHA-256 of the CRC-32 of each picture, in order, in hexadecimal; stored checksums are used."""
    base, rows = (pictures.pictures, pictures.rows) if isinstance(pictures, SelectedRows) else (pictures, slice(None))
    if isinstance(base, PixelFile) and base.checksums is not None:
        checksums = base.checksums[rows]
    else:
        values = (zlib.crc32(np.ascontiguousarray(pictures[i]).data) for i in range(len(pictures)))
        checksums = np.fromiter(values, np.uint32, len(pictures))
    return hashlib.sha256(np.ascontiguousarray(checksums, np.uint32).tobytes()).hexdigest()

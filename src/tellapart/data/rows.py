"""Prepared pictures as something to take rows from: an array, a file read a few rows at a time, or some rows of these.

What does not fit in memory is never mapped into it: a process that maps a file is charged for every page it touches.
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
    """uint8 pictures [n, height, width, channels], one after the other in a file from `offset` on.

    Taking rows reads them, in the order asked for, and compares each with its checksum uint32 [n], where there are any.
    Safe to use from several threads.
    """

    dtype = np.dtype(np.uint8)

    def __init__(
        self, file: BinaryIO, shape: tuple[int, int, int, int], offset: int = 0, sums: np.ndarray | None = None
    ) -> None:
        self.file, self.shape, self.offset, self.sums = file, shape, offset, sums
        self.row_bytes = int(np.prod(shape[1:]))
        self._lock = threading.Lock()
        weakref.finalize(self, file.close)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Key) -> np.ndarray:
        if isinstance(key, (int, np.integer)):
            result: np.ndarray = self._read(np.array([range(len(self))[key]]))[0]
            return result
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
        found = np.empty((len(rows), *self.shape[1:]), np.uint8)
        for k, row in enumerate(rows.tolist()):
            into = memoryview(found[k].reshape(-1))
            if not self._fill(into, self.offset + row * self.row_bytes) or (
                self.sums is not None and zlib.crc32(into) != self.sums[row]
            ):
                raise DataError(
                    f"{self.file.name}: the stored copy of picture {row} is damaged",
                    "what was written there",
                    "delete that file; it is made anew from the pictures",
                )
        return found

    def _fill(self, into: memoryview, place: int) -> bool:
        if hasattr(os, "preadv"):
            return os.preadv(self.file.fileno(), [into], place) == len(into)
        with self._lock:
            self.file.seek(place)
            data = self.file.read(len(into))
        into[: len(data)] = data
        return len(data) == len(into)


class Rows:
    """Some rows int64 [n] of pictures, in an order of their own, without a copy of them."""

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
        return self.pictures[int(rows) if isinstance(rows, np.integer) else rows]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)


Pixels = np.ndarray | PixelFile | Rows
"""uint8 [n, height, width, channels] to take rows from: one, a slice, or places; the result is an array."""


def some(pictures: Pixels, rows: np.ndarray) -> Pixels:
    """Rows of pictures, to be taken later."""
    if isinstance(pictures, Rows):
        return Rows(pictures.pictures, pictures.rows[rows])
    return Rows(pictures, rows)


def digest(pictures: Pixels) -> str:
    """A SHA-256 of the CRC-32 of each picture, in their order; of stored copies, of what each is held against."""
    base, rows = (pictures.pictures, pictures.rows) if isinstance(pictures, Rows) else (pictures, slice(None))
    if isinstance(base, PixelFile) and base.sums is not None:
        sums = base.sums[rows]
    else:
        found = (zlib.crc32(np.ascontiguousarray(pictures[i]).data) for i in range(len(pictures)))
        sums = np.fromiter(found, np.uint32, len(pictures))
    return hashlib.sha256(np.ascontiguousarray(sums, np.uint32).tobytes()).hexdigest()

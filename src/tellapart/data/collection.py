"""Labelled pictures, read from any source and immutable: class names, labels, parts, and how to read picture i."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol

import numpy as np

from tellapart.data.split_names import SPLITS
from tellapart.errors import DataError, PictureError
from tellapart.images.decode import decode, header
from tellapart.images.read import MAX_BYTES

HEAD_BYTES = 2**18
"""What is read of a large file for its header: EXIF data, a preview and a colour profile stand before it."""


class Pictures(Protocol):
    """Where pixels come from. Reading is lazy and may run in several threads."""

    def __len__(self) -> int: ...

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """Pixels of picture i, uint8 [height, width, 1 or 3]; raises PictureError where they cannot be read.

        Where that is less work, they may be shrunken to no less than the height and width `least`.
        """

    def shape(self, i: int) -> tuple[int, int, int]:
        """Height, width and channels of picture i, without reading its pixels where that is cheaper."""

    def fingerprint(self, i: int) -> bytes:
        """Bytes that change when picture i does, cheap to get, and the same wherever it lies."""

    def stamp(self, i: int) -> bytes | None:
        """Bytes that change whenever the file of picture i is written, or None where there is none or nobody knows."""


@dataclass(frozen=True)
class ArrayPictures:
    """Pictures that lie decoded in one array, uint8 [count, height, width, 1 or 3]."""

    array: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """See Pictures."""
        result: np.ndarray = self.array[i]
        return result

    def shape(self, i: int) -> tuple[int, int, int]:
        """See Pictures."""
        height, width, channels = self.array.shape[1:]
        return height, width, channels

    def fingerprint(self, i: int) -> bytes:
        """See Pictures."""
        result: bytes = self.array[i].tobytes()
        return result

    def stamp(self, i: int) -> bytes | None:
        """See Pictures."""
        return None


@dataclass(frozen=True)
class EncodedPictures:
    """Pictures that are files.

    `load(i)` gives the bytes, `size(i)` their number, `describe(i)` the name in errors, `stamped(i)` what `stamp` says,
    and `start(i, count)`, where there is one, the first bytes.
    """

    count: int
    load: Callable[[int], bytes]
    size: Callable[[int], int]
    describe: Callable[[int], str]
    stamped: Callable[[int], bytes | None] = lambda i: None
    start: Callable[[int, int], bytes] | None = None

    def __len__(self) -> int:
        return self.count

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """See Pictures."""
        return decode(self.bytes_of(i), self.describe(i), least)

    def shape(self, i: int) -> tuple[int, int, int]:
        """See Pictures."""
        with suppress(
            PictureError, DataError, OSError, KeyError
        ):  # which the whole file may not raise, or in its words
            if self.start is not None and HEAD_BYTES < self.size(i) <= MAX_BYTES:
                return header(self.start(i, HEAD_BYTES), self.describe(i), whole=False)
        return header(self.bytes_of(i), self.describe(i))

    def fingerprint(self, i: int) -> bytes:
        """See Pictures."""
        try:
            return str(self.size(i)).encode()
        except (DataError, OSError, KeyError):  # missing; reading it says so by name
            return b"missing"

    def stamp(self, i: int) -> bytes | None:
        """See Pictures."""
        try:
            return self.stamped(i)
        except (DataError, OSError, KeyError):
            return b"missing"

    def bytes_of(self, i: int) -> bytes:
        """The file's bytes. Raises PictureError where they cannot be had."""
        try:
            if self.size(i) > MAX_BYTES:
                raise PictureError(self.describe(i), f"is larger than {MAX_BYTES // 2**20} MiB")
            return self.load(i)
        except (FileNotFoundError, KeyError) as error:
            raise PictureError(self.describe(i), "does not exist", "check the path") from error
        except OSError as error:
            raise PictureError(self.describe(i), f"cannot be read ({error.strerror})", "check the file") from error
        except DataError as error:
            reason = error.given.removeprefix(f"{self.describe(i)}: ")
            raise PictureError(self.describe(i), reason, error.action) from error
        except MemoryError as error:
            raise PictureError(self.describe(i), "does not fit in memory") from error


def as_bytes(text: str) -> bytes:
    """Text as bytes, also where a file name on disk is not valid UTF-8."""
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Skipped:
    """A picture that could not be read: its name, why, and its place in the collection."""

    key: str
    reason: str
    index: int = -1

    def to_dict(self) -> dict[str, str]:
        """Both, for machines."""
        return {"file": self.key, "reason": self.reason}


@dataclass(frozen=True)
class Collection:
    """Labelled pictures.

    `labels` int64 [count] index `class_names`; `keys` name each picture uniquely (its file name, or part and row);
    `parts` holds train, validation or test a picture, or is None where the source states none; `groups` is a name a
    picture (a subject, a burst), or None; `columns` are other columns of its table, by name; `notes` are sentences that
    its reader should see; `named` tells class names that a person gave from those that the source has by itself.
    """

    name: str
    source: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    keys: Sequence[str]
    pictures: Pictures
    splits: np.ndarray | None = None
    groups: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    named: bool = False

    def __post_init__(self) -> None:
        counts = {len(self.labels), len(self.keys), len(self.pictures)}
        counts |= {len(column) for column in (self.splits, self.groups) if column is not None}
        if len(counts) != 1:
            raise DataError(
                f"{self.source}: its columns have different lengths", "one label a picture", "check the data"
            )
        if not len(self.labels):
            raise DataError(f"{self.source}: holds no pictures", "labelled pictures", "check the path")
        if len(set(self.class_names)) < len(self.class_names):
            double = next(name for name in self.class_names if self.class_names.count(name) > 1)
            raise DataError(f"{self.source}: two classes are named {double!r}", "each name once", "rename one")
        bad = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.class_names)))
        if len(bad):
            raise DataError(
                f"{self.source}: {self.keys[bad[0]]} has label {self.labels[bad[0]]}",
                f"labels from 0 to {len(self.class_names) - 1}, one for each of {len(self.class_names)} class names",
                "correct the label, or name every class",
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __repr__(self) -> str:
        return f"<Collection {self.name}: {len(self):,} pictures, {len(self.class_names)} classes>"

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """Pixels of picture i: uint8 [height, width, 1 or 3]. Raises PictureError where they cannot be read.

        With `least`, where that is less work, shrunken to no less than that height and width.
        """
        return self.pictures.read(i, least)

    def label(self, i: int) -> str:
        """The class name of picture i."""
        result: str = self.class_names[self.labels[i]]
        return result

    def indices(self, split: str | None) -> np.ndarray:
        """Which pictures the source gives to a part (None: all), int64 [n], ascending."""
        if split is None:
            return np.arange(len(self))
        return np.flatnonzero(self.splits == split) if self.splits is not None else np.empty(0, np.int64)

    @property
    def given_splits(self) -> tuple[str, ...]:
        """The parts that the source states, in the usual order."""
        return tuple(split for split in SPLITS if self.splits is not None and (self.splits == split).any())

    def class_counts(self, indices: np.ndarray | None = None) -> np.ndarray:
        """Pictures a class, int64 [classes], among `indices` (None: all)."""
        labels = self.labels if indices is None else self.labels[indices]
        return np.bincount(labels, minlength=len(self.class_names))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over keys, class names, parts, and pixels (arrays) or file sizes (files), picture by picture.

        Neither the place of the data nor the order of the classes matters.
        """
        digest = hashlib.sha256()
        splits = self.splits if self.splits is not None else [""] * len(self)
        for i, (key, split) in enumerate(zip(self.keys, splits, strict=True)):
            digest.update(as_bytes(f"{key}\0{split}\0{self.label(i)}\0"))
            digest.update(self.pictures.fingerprint(i))
        return digest.hexdigest()

    def identity(self, i: int, content: bool = True) -> str:
        """What picture i is known by wherever it lies: 16 hex digits of its pixels (arrays) or of its file's bytes.

        Without `content` of the file's name and size, which another picture may have too: where the files are so many
        that they cannot be read once more. Raises PictureError where a file cannot be read.
        """
        if isinstance(self.pictures, EncodedPictures) and content:
            return hashlib.sha256(self.pictures.bytes_of(i)).hexdigest()[:16]
        name = "" if isinstance(self.pictures, ArrayPictures) else self.keys[i].rsplit("/", 1)[-1]
        return hashlib.sha256(as_bytes(name) + self.pictures.fingerprint(i)).hexdigest()[:16]

    def identities(self, indices: np.ndarray, content: bool) -> list[str]:
        """Those of pictures int64 [n]; by name and size where a file cannot be read."""
        found = []
        for i in indices.tolist():
            try:
                found.append(self.identity(i, content))
            except PictureError:
                found.append(self.identity(i, content=False))
        return found

    def bytes_in_all(self) -> int:
        """The bytes of all files; 0 for arrays."""
        if not isinstance(self.pictures, EncodedPictures):
            return 0
        sizes = (self.pictures.fingerprint(i) for i in range(len(self)))
        return sum(int(size) for size in sizes if size.isdigit())

    def with_class_names(self, names: Sequence[str]) -> Collection:
        """The same pictures under other class names, in label order. Raises DataError when there are too few."""
        return replace(self, class_names=tuple(names), named=True)

    @classmethod
    def from_arrays(
        cls,
        pictures: Any,
        labels: Any,
        class_names: Sequence[str] | None = None,
        splits: Any = None,
        name: str = "arrays",
    ) -> Collection:
        """A collection of arrays: pictures [count, height, width(, 1 or 3)] and integer labels [count].

        Values are 0..255 of any number type; floats and booleans of which none is above 1 are taken as 0..1. `parts`,
        strings [count], where given: train, validation (val, valid) or test. Raises DataError for other shapes, values,
        lengths or parts.
        """
        from tellapart.data.arrays import to_labels, to_pixels
        from tellapart.data.split_names import split_named

        pixels = to_pixels(np.asarray(pictures), name)
        numbers, names = to_labels(np.asarray(labels), name, class_names)
        keys = [f"{i:05d}" for i in range(len(pixels))]
        column = (
            None if splits is None else np.array([split_named(str(split)) or str(split) for split in splits], dtype=str)
        )
        unknown = set() if column is None else set(column.tolist()) - {"train", "validation", "test"}
        if unknown or (column is not None and len(column) != len(pixels)):
            raise DataError(
                f"{name}: {len(pixels):,} pictures have {len(splits):,} parts"
                + (f", among them {min(unknown)!r}" if unknown else ""),
                "a part for each picture: train, validation or test",
                "correct them",
            )
        return cls(name, name, names, numbers, keys, ArrayPictures(pixels), column)

"""Labelled pictures from any source, immutable: class names, labels, splits, and how to read picture i."""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Protocol, SupportsIndex

import numpy as np
from PIL import Image

from tellapart.data.split_names import SPLITS
from tellapart.errors import DataError, PictureError
from tellapart.images.decode import decode, decode_image, header
from tellapart.images.read import MAX_BYTES
from tellapart.images.samples import PLAIN, Samples

HEAD_BYTES = 2**18
"""Bytes that are read of a large file for its header: EXIF data, a preview and a colour profile may come first."""


class Pictures(Protocol):
    """The pictures of a collection. They are read when they are asked for, possibly by several threads."""

    def __len__(self) -> int: ...

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """Return the pixels of picture i, uint8 [height, width, 1 or 3]. Raises PictureError if that fails.

        With `least` (height, width) they may be reduced to no less than that, if it saves work.
        """

    def shape(self, i: int) -> tuple[int, int, int]:
        """Return height, width and channels of picture i, from its header where possible. Raises PictureError."""

    def fingerprint(self, i: int) -> bytes:
        """Return bytes that change when the content of picture i changes; cheap, and independent of its folder."""

    def stamp(self, i: int) -> bytes | None:
        """Return bytes that change whenever the file of picture i is written, or None if there is no such file."""


@dataclass(frozen=True)
class ArrayPictures:
    """Decoded pictures in one array, uint8 [count, height, width, 1 or 3]."""

    array: np.ndarray

    def __len__(self) -> int:
        return len(self.array)

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """See Pictures."""
        pixels: np.ndarray = self.array[i]
        return pixels

    def shape(self, i: int) -> tuple[int, int, int]:
        """See Pictures."""
        height, width, channels = self.array.shape[1:]
        return height, width, channels

    def fingerprint(self, i: int) -> bytes:
        """See Pictures."""
        data: bytes = self.array[i].tobytes()
        return data

    def stamp(self, i: int) -> bytes | None:
        """See Pictures."""
        return None


@dataclass(frozen=True)
class EncodedPictures:
    """Pictures that are files, given by functions of their position i.

    `load(i)` returns the bytes, `size(i)` their number, `describe(i)` the name for errors, `stamped(i)` the result of
    `stamp`, and the optional `start(i, count)` the first bytes. `samples` says which values become 0 and 255.
    """

    count: int
    load: Callable[[int], bytes]
    size: Callable[[int], int]
    describe: Callable[[int], str]
    stamped: Callable[[int], bytes | None] = lambda i: None
    start: Callable[[int, int], bytes] | None = None
    samples: Samples = PLAIN

    def __len__(self) -> int:
        return self.count

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """See Pictures."""
        return decode(self.bytes_of(i), self.describe(i), least, self.samples)

    def image(self, i: int, least: tuple[int, int] | None, samples: Samples) -> Image.Image:
        """Return picture i as `read` does, as a Pillow image and with these samples. Raises PictureError."""
        return decode_image(self.bytes_of(i), self.describe(i), least, samples)

    def shape(self, i: int) -> tuple[int, int, int]:
        """See Pictures."""
        with suppress(PictureError, DataError, OSError, KeyError):  # the whole file may be fine, or explain it better
            if self.start is not None and HEAD_BYTES < self.size(i) <= MAX_BYTES:
                return header(self.start(i, HEAD_BYTES), self.describe(i), whole=False)
        return header(self.bytes_of(i), self.describe(i))

    def fingerprint(self, i: int) -> bytes:
        """See Pictures."""
        try:
            return str(self.size(i)).encode()
        except (DataError, OSError, KeyError):  # missing; `read` reports it
            return b"missing"

    def stamp(self, i: int) -> bytes | None:
        """See Pictures."""
        try:
            return self.stamped(i)
        except (DataError, OSError, KeyError):
            return b"missing"

    def bytes_of(self, i: int) -> bytes:
        """Return the bytes of file i. Raises PictureError if they cannot be read."""
        try:
            if self.size(i) > MAX_BYTES:
                raise PictureError(self.describe(i), f"is larger than {MAX_BYTES // 2**20} MiB")
            return self.load(i)
        except (FileNotFoundError, KeyError) as error:
            raise PictureError(self.describe(i), "does not exist", "check the path") from error
        except OSError as error:
            reason = f"cannot be read ({error.strerror})"
            raise PictureError(self.describe(i), reason, "check the file", temporary=True) from error
        except DataError as error:
            reason = error.reason or error.given
            raise PictureError(self.describe(i), reason, error.action, temporary=error.temporary) from error
        except MemoryError as error:
            raise PictureError(self.describe(i), "does not fit in memory", temporary=True) from error


def as_bytes(text: str) -> bytes:
    """Encode text, also file names that are not valid UTF-8 on disk."""
    return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True)
class Skipped:
    """A picture that could not be read: its name, the reason, and its position in the collection."""

    key: str
    reason: str
    index: int = -1

    def to_dict(self) -> dict[str, str]:
        """Return name and reason for JSON."""
        return {"file": self.key, "reason": self.reason}


@dataclass(frozen=True)
class Collection:
    """Labelled pictures. `collection[i]` is `(pixels, label)`, and iteration yields these pairs in order.

    Attributes:
        name: A short name for tables and folders.
        source: The path or the name of the data set, for error messages.
        class_names: One name per class, in label order.
        labels: int64 [count], indices into `class_names`.
        keys: A unique name per picture: its file name, or split and row.
        pictures: Reads the pixels.
        splits: `train`, `validation` or `test` per picture, or None if the source has no splits.
        groups: A name per picture, such as its subject or burst, or None. A group stays in one split.
        grouped_by: What `--group` takes to make the groups, if the source does not name them itself.
        notes: Sentences about what is odd in the data; they are printed as warnings when it is opened.
        inferred: How the data was read, a line each: `label: from ...`, `split: from ...`, `skipped: ...`.
        value_range: The values of the source that the pixels 0 and 255 stand for, if they are not what the file format
            or type says; preprocessing records it, so that prediction scales files and arrays in the same way.
        columns: The other columns of the source's table, by name.
        named: Whether the class names were given by the caller, not by the source.
        said: What else the caller said about the layout of the source, by the names of the attributes of Layout.
    """

    name: str
    source: str
    class_names: tuple[str, ...]
    labels: np.ndarray
    keys: Sequence[str]
    pictures: Pictures
    splits: np.ndarray | None = None
    groups: np.ndarray | None = None
    grouped_by: str = ""
    notes: tuple[str, ...] = field(default=())
    inferred: tuple[str, ...] = field(default=())
    value_range: tuple[float, float] | None = None
    columns: Mapping[str, Sequence[str | None]] = field(default_factory=dict)
    named: bool = False
    said: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        counts = {len(self.labels), len(self.keys), len(self.pictures)}
        counts |= {len(column) for column in (self.splits, self.groups) if column is not None}
        if len(counts) != 1:
            raise DataError(
                f"{self.source}: its columns have different lengths", "one label per picture", "check the data"
            )
        if not len(self.labels):
            raise DataError(f"{self.source}: contains no pictures", "labelled pictures", "check the path")
        if len(set(self.class_names)) < len(self.class_names):
            double = next(name for name in self.class_names if self.class_names.count(name) > 1)
            raise DataError(f"{self.source}: two classes are named {double!r}", "unique class names", "rename one")
        bad = np.flatnonzero((self.labels < 0) | (self.labels >= len(self.class_names)))
        if len(bad):
            raise DataError(
                f"{self.source}: {self.keys[bad[0]]} has label {self.labels[bad[0]]}",
                f"labels from 0 to {len(self.class_names) - 1}, for {len(self.class_names)} class names",
                "correct the label, or give a name for every class",
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: SupportsIndex) -> tuple[np.ndarray, int]:
        """Return the pixels uint8 [height, width, 1 or 3] of a picture and its label, an index into `class_names`.

        A negative index counts from the end. Raises IndexError if there is no such picture, and PictureError if it
        cannot be read.
        """
        i = operator.index(index)
        if not -len(self) <= i < len(self):
            raise IndexError(f"picture {i} of a collection of {len(self):,}")
        i %= len(self)
        return self.read(i), int(self.labels[i])

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yield pixels and label of every picture, in order. Raises PictureError at one that cannot be read."""
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"<Collection {self.name}: {len(self):,} pictures, {len(self.class_names)} classes>"

    def read(self, i: int, least: tuple[int, int] | None = None) -> np.ndarray:
        """Return the pixels of picture i, uint8 [height, width, 1 or 3]. Raises PictureError if that fails.

        With `least` (height, width) they may be reduced to no less than that, if it saves work.
        """
        return self.pictures.read(i, least)

    @property
    def samples(self) -> Samples:
        """Which values of the source become the pixels 0 and 255, for preprocessing."""
        if isinstance(self.pictures, EncodedPictures):
            return self.pictures.samples
        return Samples(self.value_range, "arrays")

    def label(self, i: int) -> str:
        """Return the class name of picture i."""
        return self.class_names[int(self.labels[i])]

    def indices(self, split: str | None) -> np.ndarray:
        """Return the pictures that the source assigns to a split (None: all), int64 [n], ascending."""
        if split is None:
            return np.arange(len(self))
        return np.flatnonzero(self.splits == split) if self.splits is not None else np.empty(0, np.int64)

    @property
    def given_splits(self) -> tuple[str, ...]:
        """The splits that the source has, in the order train, validation, test."""
        return tuple(split for split in SPLITS if self.splits is not None and (self.splits == split).any())

    def class_counts(self, indices: np.ndarray | None = None) -> np.ndarray:
        """Count the pictures per class, int64 [classes], among `indices` (None: all)."""
        labels = self.labels if indices is None else self.labels[indices]
        return np.bincount(labels, minlength=len(self.class_names))

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of keys, class names, splits, and pixels (arrays) or file sizes (files), picture by picture.

        It does not depend on the folder of the data or on the order of the classes.
        """
        digest = hashlib.sha256()
        splits = self.splits if self.splits is not None else [""] * len(self)
        for i, (key, split) in enumerate(zip(self.keys, splits, strict=True)):
            digest.update(as_bytes(f"{key}\0{split}\0{self.label(i)}\0"))
            digest.update(self.pictures.fingerprint(i))
        return digest.hexdigest()

    def identity(self, i: int, content: bool = True) -> str:
        """Return 16 hexadecimal digits that identify picture i in any folder: a hash of its pixels or its file's bytes.

        Without `content`, a hash of the file's name and size, which is faster but may be shared by other pictures.
        Raises PictureError if a file cannot be read.
        """
        if isinstance(self.pictures, EncodedPictures) and content:
            return hashlib.sha256(self.pictures.bytes_of(i)).hexdigest()[:16]
        name = "" if isinstance(self.pictures, ArrayPictures) else self.keys[i].rsplit("/", 1)[-1]
        return hashlib.sha256(as_bytes(name) + self.pictures.fingerprint(i)).hexdigest()[:16]

    def identities(self, indices: np.ndarray, content: bool) -> list[str]:
        """Return the identities of pictures int64 [n]; by name and size for files that cannot be read."""
        identities = []
        for i in indices.tolist():
            try:
                identities.append(self.identity(i, content))
            except PictureError:
                identities.append(self.identity(i, content=False))
        return identities

    def bytes_in_all(self) -> int:
        """Return the total size of all files in bytes; 0 for arrays."""
        if not isinstance(self.pictures, EncodedPictures):
            return 0
        sizes = (self.pictures.fingerprint(i) for i in range(len(self)))
        return sum(int(size) for size in sizes if size.isdigit())

    def with_class_names(self, names: Sequence[str]) -> Collection:
        """Return the same pictures with other class names, in label order. Raises DataError if there are too few."""
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
        """Make a collection of arrays: pictures [count, height, width(, 1 or 3)] and labels [count].

        Values are 0..255 in any number type, or floats and booleans 0..1; other ranges, channels first and flat rows of
        square pictures are inferred where they are clear, see `inferred` and `value_range`. The optional `splits` are
        strings [count]: train, validation (val, valid) or test. Raises DataError for other shapes, values, lengths or
        splits.
        """
        from tellapart.data.arrays import read_pixels, to_labels
        from tellapart.data.split_names import split_named

        numbers, names = to_labels(labels, name, class_names)
        read = read_pixels({name: np.asarray(pictures)}, [len(numbers)])
        pixels = read.arrays[0]
        keys = [f"{i:05d}" for i in range(len(pixels))]
        column = (
            None if splits is None else np.array([split_named(str(split)) or str(split) for split in splits], dtype=str)
        )
        unknown = set() if column is None else set(column.tolist()) - {"train", "validation", "test"}
        if unknown or (column is not None and len(column) != len(pixels)):
            raise DataError(
                f"{name}: {len(splits):,} split values for {len(pixels):,} pictures"
                + (f", among them {min(unknown)!r}" if unknown else ""),
                "a split for each picture: train, validation or test",
                "",
            )
        made = cls(name, name, names, numbers, keys, ArrayPictures(pixels), column)
        return replace(made, notes=read.notes, inferred=read.inferred, value_range=read.value_range)

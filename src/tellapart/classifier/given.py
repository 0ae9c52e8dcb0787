"""What a caller may give for pictures: one or several, as paths, bytes, arrays or Pillow images; and their names."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.tree import FolderTree, pictures_of
from tellapart.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Named:
    """A picture with the name that its answer or error gives it, such as bytes from standard input."""

    picture: Any
    name: str


def pictures_in(folder: Path) -> list[Path]:
    """The picture files in a folder and its subfolders, in name order, by the same rules as in training.

    Raises UsageError if there are none, DataError for a folder that cannot be read.
    """
    pictures = [folder / name for name in pictures_of(FolderTree(folder))]
    if not pictures:
        raise UsageError(f"{folder}: contains no pictures", "a folder with picture files", "check the path")
    return pictures


def is_batch(array: np.ndarray) -> bool:
    """Whether an array is of several pictures: [n, height, width, channels], or grey ones without the last axis."""
    return array.ndim == 4 or (array.ndim == 3 and array.shape[2] not in (1, 3, 4))


def several(pictures: Any) -> Iterable[Any] | None:
    """The pictures in an input for several of them; None for an input that is one picture."""
    if isinstance(pictures, (str, os.PathLike)):
        return pictures_in(Path(pictures)) if os.path.isdir(pictures) else None  # noqa: PTH112  # as above
    if isinstance(pictures, (bytes, bytearray, memoryview)):
        return None
    if isinstance(pictures, np.ndarray) and not is_batch(pictures):
        return None
    return pictures if isinstance(pictures, (np.ndarray, Sequence, Iterable)) else None


def name_of(picture: Any, number: int | None) -> str:
    """The name of a picture in answers and errors: its path, or its kind with its number among several."""
    if isinstance(picture, Named):
        return picture.name
    if isinstance(picture, (str, os.PathLike)):
        return os.fspath(picture)
    kind = "array" if isinstance(picture, np.ndarray) else "bytes" if isinstance(picture, bytes) else "picture"
    return kind if number is None else f"{kind} {number}"


def batches(pictures: Iterable[Any], size: int) -> Iterator[list[tuple[int, Any]]]:
    """Pictures with their numbers, `size` at a time."""
    numbered = enumerate(pictures)
    while batch := list(islice(numbered, size)):
        yield batch

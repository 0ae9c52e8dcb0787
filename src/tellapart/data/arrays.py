"""Read pixels and labels that are arrays: shapes, ranges, one-hot rows, class names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tellapart.data.array_range import infer_range
from tellapart.data.pixel_axes import channels_last
from tellapart.errors import DataError
from tellapart.text import matching


@dataclass(frozen=True)
class PixelArrays:
    """Pictures of one collection as uint8, and how they were read, as in Collection."""

    arrays: list[np.ndarray]
    value_range: tuple[float, float] | None
    inferred: tuple[str, ...]
    notes: tuple[str, ...]


def read_pixels(arrays: Mapping[str, np.ndarray], counts: Sequence[int | None] | None = None) -> PixelArrays:
    """Return the pictures of a collection as uint8 [count, height, width, 1 or 3], scaled alike.

    `arrays` are numbers of any type and of the usual shapes, by their names in errors; `counts` are the labels of each,
    where known. Raises DataError, which names the array and the first faulty picture.
    """
    read = {}
    lines = []
    for (where, array), count in zip(arrays.items(), counts or [None] * len(arrays), strict=True):
        pictures, line = channels_last(array, where, count)
        if pictures.dtype.kind not in "iufb":
            raise DataError(f"{where}: the pictures have type {array.dtype}", "numbers from 0 to 255", "convert them")
        read[where] = pictures
        lines += [line] if line and line not in lines else []
    scale = infer_range(read)
    pixels = [scale.scale(pictures) for pictures in read.values()]
    return PixelArrays(
        pixels, scale.recorded, (*lines, *([scale.line] if scale.line else [])), (scale.note,) if scale.note else ()
    )


def to_pixels(array: np.ndarray, where: str) -> np.ndarray:
    """Return pixels as uint8 [count, height, width, 1 or 3]. See `read_pixels`."""
    return read_pixels({where: array}).arrays[0]


def to_labels(array: Any, where: str, class_names: Sequence[str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels as int64 [count], and the class names that they index.

    Accepts integers [count] or [count, 1], one-hot rows [count, classes], strings or UTF-8 bytes [count], and truth
    values. Without `class_names`, the numbers that occur become the names, in numeric order (strings: in plain string
    order). Raises DataError, which names `where` and the first faulty label: also for several labels of one picture.
    """
    array = _plain(array, where)
    while array.ndim > 1 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim == 2:
        array = _from_one_hot(array, where)
    if array.ndim != 1:
        raise DataError(f"{where}: the labels have shape {array.shape}", "one label per picture", "check the array")
    if array.dtype.kind == "b":
        array = array.astype(str) if class_names is None else array.astype(np.int64)
    if array.dtype.kind in "US":
        return _from_words(_decoded(array, where), where, class_names)
    if array.dtype.kind == "f":
        array = _whole_numbers(array, where)
    if array.dtype.kind not in "iu":
        raise DataError(f"{where}: the labels have type {array.dtype}", "whole numbers or words", "convert them")
    numbers = array.astype(np.int64)
    if class_names is not None:
        return numbers, tuple(class_names)
    negative = np.flatnonzero(numbers < 0)
    if len(negative):
        raise DataError(
            f"{where}: picture {negative[0]} has label {numbers[negative[0]]}",
            "labels from 0 up",
            "renumber the labels from 0",
        )
    present, positions = np.unique(numbers, return_inverse=True)
    return positions.astype(np.int64), tuple(str(number) for number in present)


def words_of(array: np.ndarray, where: str) -> list[str]:
    """Return the class names in an array of strings, UTF-8 bytes or numbers."""
    flat = array.reshape(-1)
    return [str(word) for word in (_decoded(flat, where) if flat.dtype.kind in "US" else flat)]


def _plain(labels: Any, where: str) -> np.ndarray:
    """Labels as an array of numbers or words. Raises DataError for lists in it, and for missing labels."""
    try:
        array = np.asarray(labels)
    except ValueError:  # lists of different lengths
        array = np.empty(len(labels), object)
        array[:] = list(labels)
    if array.dtype.kind != "O":
        return array
    several = (list, tuple, set, dict, np.ndarray)
    for i, label in enumerate(array.reshape(-1)):
        if isinstance(label, several) and len(label) != 1:
            raise _multi_label(f"{where}: picture {i} has {len(label)} labels")
        if label is None or label != label:  # NaN
            raise DataError(f"{where}: picture {i} has no label", "a label for each picture", "")
    single = [label[0] if isinstance(label, (list, tuple, np.ndarray)) else label for label in array.reshape(-1)]
    if all(isinstance(label, (str, bytes)) for label in single):
        return np.array([label.decode("utf-8", "replace") if isinstance(label, bytes) else label for label in single])
    try:
        return np.array([int(label) if label == int(label) else float(label) for label in single])
    except (TypeError, ValueError, OverflowError) as error:
        raise DataError(f"{where}: the labels have mixed types", "whole numbers or words", "convert them") from error


def _multi_label(given: str) -> DataError:
    return DataError(
        given,
        "one label per picture: multi-label data, where a picture may have several classes or none, is not supported",
        "keep one label of each picture, or make a data set for each class: with it and without",
    )


def _decoded(words: np.ndarray, where: str) -> np.ndarray:
    """Strings, from strings or UTF-8 bytes."""
    if words.dtype.kind == "U":
        return words
    try:
        return np.char.decode(words, "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: contains bytes that are not UTF-8 text", "words in UTF-8", "") from error


def _whole_numbers(array: np.ndarray, where: str) -> np.ndarray:
    """Floats as integers, if they are whole numbers; else unchanged. Raises DataError for a missing label."""
    missing = np.flatnonzero(~np.isfinite(array))
    if len(missing):
        raise DataError(
            f"{where}: picture {missing[0]} has the label {array[missing[0]]}", "a label for each picture", ""
        )
    whole = (array == np.rint(array)).all() and (np.abs(array) < 2**62).all()
    return array.astype(np.int64) if whole else array


def _from_one_hot(array: np.ndarray, where: str) -> np.ndarray:
    if array.dtype.kind not in "iufb":
        raise _multi_label(f"{where}: the labels have shape {array.shape}")
    wrong = np.flatnonzero((array.sum(axis=1) != 1) | ((array != 0) & (array != 1)).any(axis=1))
    if len(wrong):
        row = array[wrong[0]]
        given = f"{where}: label row {wrong[0]} is not one-hot"
        if ((row == 0) | (row == 1)).all():
            raise _multi_label(f"{given}: it has {int(row.sum())} ones")
        raise DataError(given, "a single 1 and zeros in each row", "use one label per picture")
    labels: np.ndarray = array.argmax(axis=1)
    return labels


def _from_words(words: np.ndarray, where: str, class_names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    names = sorted(set(words.tolist())) if class_names is None else list(class_names)
    position = {name: i for i, name in enumerate(names)}
    words = words if class_names is None else np.array([matching(word, position) for word in words.tolist()], str)
    unknown = next((i for i, word in enumerate(words) if word not in position), None)
    if unknown is not None:
        raise DataError(
            f"{where}: picture {unknown} has label {str(words[unknown])!r}",
            f"one of the {len(names)} class names: {', '.join(names[:10])}",
            "correct the label, or add the class name",
        )
    return np.array([position[word] for word in words], np.int64), tuple(names)

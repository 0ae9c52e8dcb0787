"""Check pixels and labels that are arrays: shapes, ranges, one-hot rows, class names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tellapart.errors import DataError
from tellapart.text import matching


def to_pixels(array: np.ndarray, where: str) -> np.ndarray:
    """Return pixels as uint8 [count, height, width, 1 or 3].

    Floats in 0..1 are scaled by 255; channels must come last. Raises DataError, which names `where` and the first
    faulty picture.
    """
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4 or array.shape[3] not in (1, 3) or 0 in array.shape[1:]:
        raise DataError(
            f"{where}: the pictures have shape {array.shape}",
            "[count, height, width] or [count, height, width, 1 or 3]",
            "transpose the array so that channels come last",
        )
    if array.dtype == np.uint8:
        return array
    if array.dtype.kind not in "iufb":
        raise DataError(f"{where}: the pictures have type {array.dtype}", "numbers from 0 to 255", "convert them")
    return _scaled(array, where)


def _scaled(array: np.ndarray, where: str) -> np.ndarray:
    top = 1.0 if array.dtype.kind in "fb" and len(array) and array.max() <= 1 else 255.0
    in_range = (array >= 0) & (array <= top)  # false for NaN
    if not in_range.all():
        i, row, column, channel = np.argwhere(~in_range)[0]
        raise DataError(
            f"{where}: picture {i} has the value {array[i, row, column, channel]} at row {row}, column {column}",
            "pixels from 0 to 255 (or floats from 0 to 1)",
            "rescale or repair the array",
        )
    pixels: np.ndarray = np.rint(array * (255.0 / top)).astype(np.uint8)
    return pixels


def to_labels(
    array: np.ndarray, where: str, class_names: Sequence[str] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels as int64 [count], and the class names that they index.

    Accepts integers [count] or [count, 1], one-hot rows [count, classes], or strings [count]. Without `class_names`,
    the numbers that occur become the names, in numeric order (strings: in plain string order). Raises DataError, which
    names `where` and the first faulty label.
    """
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2:
        array = _from_one_hot(array, where)
    if array.ndim != 1:
        raise DataError(f"{where}: the labels have shape {array.shape}", "one label per picture", "check the array")
    if array.dtype.kind in "US":
        return _from_words(array.astype(str), where, class_names)
    if array.dtype.kind == "f" and (array == np.rint(array)).all():
        array = array.astype(np.int64)
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


def _from_one_hot(array: np.ndarray, where: str) -> np.ndarray:
    wrong = np.flatnonzero((array.sum(axis=1) != 1) | ((array != 0) & (array != 1)).any(axis=1))
    if len(wrong):
        raise DataError(
            f"{where}: label row {wrong[0]} is not one-hot",
            "a single 1 and zeros in each row",
            "use one label per picture",
        )
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

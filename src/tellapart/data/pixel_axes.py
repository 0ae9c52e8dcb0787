"""Find out what the axes of pixel arrays are: pictures, rows, columns and channels, in any usual order."""

from __future__ import annotations

import math

import numpy as np

from tellapart.errors import DataError

LEAST_SIDE = 8
"""Pictures with a side below this are not recognised by their shape where another order of axes is possible."""

CLEAR = 0.8
"""The wrong order of channels makes neighbouring pixels differ more: below this ratio the order is clear."""

SAMPLE = 200
"""Pictures that are compared to find the order of channels."""

EXPECTED = "[count, height, width] or [count, height, width, 1 or 3]"


def channels_last(array: np.ndarray, where: str, count: int | None = None) -> tuple[np.ndarray, str]:
    """Return pictures [count, height, width, 1 or 3], and what was inferred in words, or "".

    Accepts also channels first, flat rows of square pictures, pictures with an opaque alpha channel and, if only the
    last axis is as long as the `count` labels, pictures last, as in MATLAB. Raises DataError, which names `where`, for
    other shapes.
    """
    array, words = _pictures_first(array, where, count)
    shape = array.shape
    if array.ndim == 2 or (array.ndim in (3, 4) and _is_flat(shape)):
        pictures, flat = _from_rows(array, where)
        return pictures, _joined(words, flat)
    if array.ndim == 3 and 0 not in shape[1:]:
        return array[..., np.newaxis], words
    if array.ndim != 4 or 0 in shape[1:]:
        raise _wrong_shape(shape, where, "save the pictures as one array, a row per picture" if array.ndim > 4 else "")
    if shape[3] in (1, 3):
        return array, words
    if shape[1] in (1, 3) and min(shape[2:]) >= LEAST_SIDE:
        return np.moveaxis(array, 1, 3), _joined(words, f"axes: channels first, {_shown(shape)}")
    if shape[3] == 4:
        return _without_alpha(array, where), _joined(words, "alpha: opaque, left out")
    raise _wrong_shape(shape, where, _advice(shape))


def _pictures_first(array: np.ndarray, where: str, count: int | None) -> tuple[np.ndarray, str]:
    """The array with the axis that is as long as the labels first."""
    if count is None or array.ndim < 3 or array.shape[0] == count or array.shape[-1] != count:
        return array, ""
    shown = ", ".join(map(str, array.shape[:-1]))
    return np.moveaxis(array, -1, 0), f"axes: pictures last, [{shown}, n]"


def _is_flat(shape: tuple[int, ...]) -> bool:
    """Whether the axes after the first are one row of pixels: [784, 1], [1, 784], or [1024, 3]."""
    inner = [size for size in shape[1:] if size != 1]
    if len(inner) == 1 and inner[0] >= LEAST_SIDE**2:
        return _side(inner[0]) is not None
    return len(shape) == 3 and shape[2] == 3 and shape[1] >= LEAST_SIDE**2 and math.isqrt(shape[1]) ** 2 == shape[1]


def _from_rows(array: np.ndarray, where: str) -> tuple[np.ndarray, str]:
    """Square pictures from rows of pixels."""
    length = math.prod(array.shape[1:])
    side = _side(length)
    if array.dtype.kind not in "iufb" or not len(array) or side is None or side < 4:
        raise _wrong_shape(array.shape, where, "")
    rows = array.reshape(len(array), length)
    said = f"pixels: {length:,} a row, read as {side} x {side}"
    if side * side == length:
        return rows.reshape(-1, side, side, 1), said
    if array.ndim == 3 and array.shape[2] == 3:
        return rows.reshape(-1, side, side, 3), f"{said} RGB"
    pictures, order = colours_of_rows(rows, (side, side), where)
    return pictures, f"{said} RGB, {order}"


def _side(length: int) -> int | None:
    """The side of a square picture of 1 or 3 channels with this number of values, or None."""
    for channels in (1, 3):
        side = math.isqrt(length // channels)
        if side and side * side * channels == length:
            return side
    return None


def colours_of_rows(rows: np.ndarray, size: tuple[int, int], where: str) -> tuple[np.ndarray, str]:
    """Return rows of colour pixels [count, height * width * 3] as [count, height, width, 3], and their order in words.

    The order is that in which neighbouring pixels are more alike: red, green, blue of each pixel (interleaved), or all
    red values first (planar). Raises DataError where both are about equally smooth.
    """
    interleaved = rows.reshape(-1, *size, 3)
    planar = rows.reshape(-1, 3, *size).transpose(0, 2, 3, 1)
    spread = np.linspace(0, len(rows) - 1, min(SAMPLE, len(rows))).astype(int)
    if rows.size < 1000:  # too little to compare
        return interleaved, INTERLEAVED
    rough = [_roughness(pictures[spread]) for pictures in (interleaved, planar)]
    if rough[0] == rough[1] == 0 or rough[0] < CLEAR * rough[1]:
        return interleaved, INTERLEAVED
    if rough[1] < CLEAR * rough[0]:
        return planar, PLANAR
    raise DataError(
        f"{where}: the order of the colour channels is not clear: its pictures look alike in both",
        f"{INTERLEAVED}, or {PLANAR}",
        "save the pictures as an array [count, height, width, 3] in an .npz file",
    )


INTERLEAVED = "interleaved (red, green, blue of each pixel)"
PLANAR = "planar (all red values, then green, then blue)"


def _roughness(pictures: np.ndarray) -> float:
    """The mean difference between neighbouring pixels of a channel."""
    values = pictures.astype(np.float32)
    return float(np.abs(np.diff(values, axis=1)).mean() + np.abs(np.diff(values, axis=2)).mean())


def _without_alpha(array: np.ndarray, where: str) -> np.ndarray:
    """The first three channels of pictures whose fourth is opaque everywhere. Raises DataError if it is not."""
    fourth = array[..., 3]
    opaque = (255,) if array.dtype == np.uint8 else (1, 255)
    if array.dtype.kind in "iufb" and fourth.size and fourth.min() == fourth.max() and fourth.max() in opaque:
        return array[..., :3]
    raise DataError(
        f"{where}: the pictures have shape {array.shape}: 4 channels, and the fourth may be alpha or infrared",
        EXPECTED,
        "keep three channels, array[..., :3]; or, for alpha, flatten the pictures on a background first",
    )


def _advice(shape: tuple[int, ...]) -> str:
    if shape[1] in (1, 3):
        return "transpose the array so that channels come last"
    channels = shape[3] if shape[1] == shape[2] else shape[1] if shape[2] == shape[3] else min(shape[1], shape[3])
    return f"choose 1 or 3 of the {channels} channels, such as array[..., :1] where channels come last"


def _wrong_shape(shape: tuple[int, ...], where: str, action: str) -> DataError:
    return DataError(
        f"{where}: the pictures have shape {shape}",
        f"{EXPECTED}; also channels first, or rows of square pictures",
        action,
    )


def _shown(shape: tuple[int, ...]) -> str:
    return "[n, " + ", ".join(map(str, shape[1:])) + "]" if len(shape) else ""


def _joined(*words: str) -> str:
    return "; ".join(word for word in words if word)

"""Numbers in files of weights: how each kind is stored, and what it becomes in memory, and the error for refusals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

STORED: dict[str, np.dtype[Any]] = {
    "float64": np.dtype("<f8"),
    "float32": np.dtype("<f4"),
    "float16": np.dtype("<f2"),
    "bfloat16": np.dtype("<u2"),
    "int64": np.dtype("<i8"),
    "int32": np.dtype("<i4"),
    "int16": np.dtype("<i2"),
    "int8": np.dtype("i1"),
    "uint8": np.dtype("u1"),
}
"""How numbers of each kind are stored. NumPy has no bfloat16: it is the upper half of a float32."""

MOST_DIMENSIONS = 8


class RefusedError(Exception):
    """A file contains something that weights do not need, or is damaged. Its text gives the reason."""


def widened(array: np.ndarray, kind: str) -> np.ndarray:
    """Stored numbers of a kind as NumPy computes with them: float16 and bfloat16 become float32."""
    if kind == "bfloat16":
        return (array.astype(np.uint32) << 16).view(np.float32)
    if kind == "float16":
        return array.astype(np.float32)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def counted_shape(shape: object, name: str) -> tuple[int, ...]:
    """A shape from a file, checked. Raises RefusedError unless it is a list of at most 8 sizes, each 0 or more.

    Without sizes of 0 it has at most 2**48 numbers: NumPy makes no larger arrays, not even empty ones.
    """
    sizes = whole_numbers(shape, name)
    if math.prod(max(size, 1) for size in sizes) > 2**48:
        raise RefusedError(f"{shown(name)} has no valid shape")
    return sizes


def whole_numbers(values: object, name: str) -> tuple[int, ...]:
    """The sizes or strides of an array, checked. Raises RefusedError unless they are at most 8 numbers of 0 or more."""
    if not isinstance(values, (list, tuple)) or len(values) > MOST_DIMENSIONS or not all(map(is_count, values)):
        raise RefusedError(f"{shown(name)} has no valid shape")
    return tuple(values)


def is_count(value: object) -> bool:
    """Whether a value from a file is a whole number from 0 to 2**63 - 1."""
    return type(value) is int and 0 <= value < 2**63


def stored_bytes(shape: Sequence[int], kind: str) -> int:
    """The bytes that an array takes in a file."""
    return int(math.prod(shape) * STORED[kind].itemsize)


def read_bytes(shape: Sequence[int], kind: str) -> int:
    """The bytes that an array takes in memory."""
    return int(math.prod(shape)) * max(STORED[kind].itemsize, 4 if "float" in kind else 1)


def numbers_at(data: bytes, kind: str, count: int, offset: int) -> np.ndarray:
    """The `count` stored numbers from `offset` on, without a copy."""
    return np.frombuffer(data, STORED[kind], count, offset) if count else np.empty(0, STORED[kind])


def shown(name: object) -> str:
    """A name from a file for a message: shortened, without control characters."""
    return repr(str(name)[:80])

"""Read the arrays of an .npz archive: plain numbers, never Python objects."""

from __future__ import annotations

import io
import math

import numpy as np

from tellapart.pretrained._numbers import RefusedError, counted_shape, shown
from tellapart.pretrained._zip import Archive

UNPACKED = 4
"""How many times the archive's size its arrays may take. Weights hardly compress."""

_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npz(archive: Archive) -> dict[str, np.ndarray]:
    """The arrays by name. Raises RefusedError."""
    return {
        name.removesuffix(".npy"): _array(archive.read(name, UNPACKED * archive.size + 2**20), name)
        for name in sorted(archive.names)
    }


def _array(data: bytes, name: str) -> np.ndarray:
    file = io.BytesIO(data)
    try:
        shape, by_column, kind = _HEADERS[np.lib.format.read_magic(file)](file)
    except (ValueError, KeyError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise RefusedError(f"{shown(name)} in its archive is not an array") from error
    if kind.kind not in "fiu" or kind.hasobject or kind.itemsize > 8:
        raise RefusedError(f"{shown(name)} does not contain plain numbers")
    shape = counted_shape(shape, name)
    if math.prod(shape) * kind.itemsize != len(data) - file.tell():
        raise RefusedError(f"{shown(name)} does not have the size that it declares")
    numbers = np.frombuffer(data, kind, offset=file.tell()) if math.prod(shape) else np.empty(0, kind)
    array = numbers.reshape(shape, order="F" if by_column else "C")
    wanted = np.dtype(np.float32) if kind.kind == "f" and kind.itemsize == 2 else kind.newbyteorder("=")
    return np.asarray(array.astype(wanted, copy=False), order="C")

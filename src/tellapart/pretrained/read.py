"""Read the arrays in a file of weights. Its first bytes decide the format, never its name, and nothing in it is run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from tellapart.classifier.sandbox.hdf5 import SIGNATURE, read_weights
from tellapart.errors import ModelFileError, WeightsError
from tellapart.pretrained._npz import UNPACKED, read_npz
from tellapart.pretrained._numbers import RefusedError
from tellapart.pretrained._safetensors import is_safetensors, read_safetensors
from tellapart.pretrained._torch_file import read_archive, read_legacy
from tellapart.pretrained._zip import Archive

MOST_BYTES = 2**32
"""Bytes of a file."""

_PICKLE = b"\x80"


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file, by their names in it: PyTorch (both layouts), safetensors, NumPy .npz or HDF5.

    Names in HDF5 files are paths without the first slash, such as `conv1/conv1/kernel:0`. Arrays have the shapes of the
    file; float16 and bfloat16 become float32, and other numbers keep their type. They may be read-only.

    Raises WeightsError, which names the file and the reason: it cannot be read, is damaged, or contains more than plain
    arrays of numbers. Files of up to 4 GiB are read, which takes at most some six times their size in memory.
    """
    try:
        if not path.is_file():
            raise RefusedError("it is not a file")
        with path.open("rb") as file:
            return _read(file, os.fstat(file.fileno()).st_size)
    except RefusedError as error:
        raise refused(path, str(error)) from error
    except ModelFileError as error:
        raise WeightsError(error.given, error.expected, error.action) from error
    except OSError as error:
        raise WeightsError(
            f"{path}: cannot be read ({error.strerror or error})", "a file of weights", "check the path"
        ) from error


def _read(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    if size > MOST_BYTES:
        raise RefusedError(f"it has {size:,} bytes, more than {MOST_BYTES:,}")
    head = file.read(9)
    file.seek(0)
    if head.startswith(b"PK"):
        return _of_archive(file, size)
    if head.startswith(SIGNATURE):
        weights = read_weights(file.read(), file.name)
        return {name.removeprefix("/"): array for name, array in weights.arrays.items()}
    if is_safetensors(head, size):  # first: the length of its table can look like the start of a pickle
        return read_safetensors(file.read())
    if head.startswith(_PICKLE):
        return read_legacy(file.read())
    raise RefusedError("its format is not known")


def _of_archive(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    with Archive(file, size, UNPACKED) as archive:
        if archive.names and all(name.endswith(".npy") for name in archive.names):
            return read_npz(archive)
        return read_archive(archive)


def refused(path: Path, reason: str) -> WeightsError:
    """The error for a file of weights that is refused."""
    return WeightsError(
        f"{path}: is refused ({reason})",
        "plain arrays of numbers in a file of PyTorch (a state dict), safetensors, NumPy (.npz) or HDF5",
        "download it again, and do not use a file unless you know where it comes from",
    )

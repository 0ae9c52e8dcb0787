"""Read HDF5 weights in a restricted process (hdf5_reader.py), and write arrays as HDF5."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.classifier.sandbox.process import run_sandboxed
from tellapart.classifier.sandbox.restricted import REFUSED
from tellapart.errors import ModelFileError

READER = Path(__file__).with_name("hdf5_reader.py")

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class Weights:
    """What was read from an HDF5 file."""

    arrays: dict[str, np.ndarray]
    """By path, such as /layers/conv2d/vars/0."""

    attributes: dict[str, dict[str, Any]]
    """Texts and lists of texts, by the path of their group or array, then by name."""


def read_weights(data: bytes, name: str) -> Weights:
    """The weights in an HDF5 file's bytes; `name` is the file's name in errors.

    Raises ModelFileError for anything but plain arrays of numbers.
    """
    if not data.startswith(SIGNATURE):
        raise refused_weights(name, "it is not an HDF5 file")
    status, out, errors = run_sandboxed(READER, data)
    if status == REFUSED:
        raise refused_weights(name, errors.decode("utf-8", "replace").strip().splitlines()[-1])
    if status:
        raise refused_weights(name, f"reading it crashed, or exceeded the limits of memory and time (status {status})")
    with np.load(io.BytesIO(out), allow_pickle=False) as archive:
        table = json.loads(str(archive["table"]))
        arrays = {path: archive[number] for path, number in table["arrays"].items()}
    return Weights(arrays, table["attributes"])


def to_hdf5(arrays: dict[str, np.ndarray]) -> bytes:
    """The bytes of an HDF5 file with these arrays, by path."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, array in arrays.items():
            file.create_dataset(path, data=array)
    return buffer.getvalue()


def refused_weights(name: str, reason: str) -> ModelFileError:
    """The error for weights that are refused."""
    return ModelFileError(
        f"{name}: its weights are refused ({reason})",
        "plain arrays of numbers, as Keras writes them",
        "save the model again with Keras, and do not use a file unless you know where it comes from",
    )

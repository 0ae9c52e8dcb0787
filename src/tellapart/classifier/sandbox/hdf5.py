"""HDF5 weights: read apart from this process, see hdf5_reader, and written anew from what was read."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.classifier.sandbox.process import run_apart
from tellapart.errors import ModelFileError

READER = Path(__file__).with_name("hdf5_reader.py")

SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True, eq=False)
class Weights:
    """Arrays by path, such as /layers/conv2d/vars/0, and the words in attributes, by path and name."""

    arrays: dict[str, np.ndarray]
    words: dict[str, dict[str, Any]]


def read_weights(data: bytes, name: str) -> Weights:
    """The arrays in an HDF5 file's bytes. Raises ModelFileError, which calls it `name`, for anything but plain ones."""
    if not data.startswith(SIGNATURE):
        raise refused(name, "it is no HDF5 file")
    status, out, words = run_apart(READER, data)
    if status == 3:
        raise refused(name, words.decode("utf-8", "replace").strip().splitlines()[-1])
    if status:
        raise refused(name, f"reading it took more memory or time than it may (status {status})")
    with np.load(io.BytesIO(out), allow_pickle=False) as archive:
        table = json.loads(str(archive["table"]))
        arrays = {path: archive[number] for path, number in table["arrays"].items()}
    return Weights(arrays, table["words"])


def written(arrays: dict[str, np.ndarray]) -> bytes:
    """An HDF5 file that holds these arrays, by path, and nothing else."""
    import h5py

    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, array in arrays.items():
            file.create_dataset(path, data=array)
    return buffer.getvalue()


def refused(name: str, reason: str) -> ModelFileError:
    """The error for weights that are not read."""
    return ModelFileError(
        f"{name}: its weights are refused ({reason})",
        "plain arrays of numbers, as Keras writes them",
        "save the model again with Keras, and do not open a file whose origin you do not know",
    )

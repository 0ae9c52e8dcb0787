"""Read state dicts that torch.save wrote, without torch: the layout since version 1.6, an archive, and that before.

Both layouts are a pickle, in which arrays refer to named storages, and the raw numbers of each storage. Source:
github.com/pytorch/pytorch, torch/serialization.py and torch/_utils.py.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tellapart.pretrained._numbers import (
    RefusedError,
    counted_shape,
    is_count,
    numbers_at,
    read_bytes,
    shown,
    stored_bytes,
    whole_numbers,
    widened,
)
from tellapart.pretrained._unpickle import Maker, as_dict, unpickled
from tellapart.pretrained._zip import Archive

MAGIC = 0x1950A86A20F9469CFC6C
"""The number that files before version 1.6 begin with."""

VERSION = 1001

MOST_PICKLE = 2**24
"""Bytes of the pickle in an archive."""

SPARE = 2**20
"""Bytes that arrays may take in addition to four times the file's size: arrays may share a storage."""

NESTED = ("state_dict", "model_state_dict", "model", "state_dict_ema", "model_ema", "module", "net", "params")
"""Where checkpoints of trainings keep the state dict."""


@dataclass(frozen=True)
class _Storage:
    """Numbers in the file, by a key: their kind and count."""

    key: str
    kind: str
    count: int


@dataclass(frozen=True)
class _Tensor:
    """An array in a storage: where it starts, its shape, and the steps in numbers along each dimension."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_legacy(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of a file that torch.save wrote before version 1.6. Raises RefusedError."""
    file = io.BytesIO(data)
    if unpickled(file) != MAGIC:
        raise RefusedError("it is a Python pickle that torch.save did not write")
    if unpickled(file) != VERSION:
        raise RefusedError("its version is not known")
    unpickled(file)  # sizes of types on the machine that wrote the file; numbers are always little-endian
    storages = _Storages()
    tensors = _tensors(unpickled(file, _NAMES, storages.persistent))
    places = _places(data, file.tell(), unpickled(file), storages, file)
    return _arrays(tensors, len(data), lambda storage: _view(data, storage, places[storage.key]))


def read_archive(archive: Archive) -> dict[str, np.ndarray]:
    """The arrays of a file that torch.save wrote since version 1.6. Raises RefusedError."""
    pickles = [name for name in archive.names if name.endswith("/data.pkl") and name.count("/") == 1]
    if len(pickles) != 1:
        raise RefusedError("its archive has no data.pkl, or several")
    home = pickles[0].removesuffix("data.pkl")
    if home + "byteorder" in archive.names and archive.read(home + "byteorder", 16) != b"little":
        raise RefusedError("its numbers are not little-endian")
    storages = _Storages()
    root = unpickled(io.BytesIO(archive.read(pickles[0], MOST_PICKLE)), _NAMES, storages.persistent)

    def numbers(storage: _Storage) -> np.ndarray:
        size = stored_bytes((storage.count,), storage.kind)
        data = archive.read(f"{home}data/{storage.key}", size)
        if len(data) != size:
            raise RefusedError(f"the storage {shown(storage.key)} does not have the size that it declares")
        return _view(data, storage, 0)

    return _arrays(_tensors(root), archive.size, numbers)


@dataclass
class _Storages:
    """The storages that a pickle refers to, by key."""

    known: dict[str, _Storage] = field(default_factory=dict)

    def persistent(self, identity: Any) -> _Storage:
        """The storage for a persistent id. Raises RefusedError for anything else."""
        if type(identity) is not tuple or len(identity) not in (5, 6) or identity[0] not in ("storage", b"storage"):
            raise RefusedError("its pickle refers to something other than a storage")
        _, kind, key, _, count, *view = identity
        if not isinstance(kind, _Kind) or type(key) is not str or not is_count(count) or any(view):
            raise RefusedError("its pickle refers to a storage in an unknown way")
        storage = self.known.setdefault(key, _Storage(key, kind.name, count))
        if storage != _Storage(key, kind.name, count):
            raise RefusedError(f"the storage {shown(key)} is described in two ways")
        return storage


def _places(data: bytes, start: int, keys: Any, storages: _Storages, file: io.BytesIO) -> dict[str, int]:
    """Where the numbers of each storage start, in the layout before version 1.6."""
    if type(keys) is not list or any(type(key) is not str for key in keys) or sorted(keys) != sorted(storages.known):
        raise RefusedError("its list of storages does not fit its pickle")
    places, place = {}, file.tell()
    for key in keys:
        storage = storages.known[key]
        count = int.from_bytes(data[place : place + 8], "little")
        places[key] = place + 8
        place += 8 + stored_bytes((storage.count,), storage.kind)
        if count != storage.count or place > len(data):
            raise RefusedError(f"the storage {shown(key)} is cut off, or does not have the size that it declares")
    if place != len(data):
        raise RefusedError("it has bytes after its last storage")
    return places


def _view(data: bytes, storage: _Storage, offset: int) -> np.ndarray:
    return numbers_at(data, storage.kind, storage.count, offset)


def _tensors(root: Any) -> dict[str, _Tensor]:
    """The arrays of a state dict, which may be inside a checkpoint of a training."""
    for _ in range(4):
        if type(root) is not dict:
            break
        tensors = {name: value for name, value in root.items() if isinstance(value, _Tensor) and type(name) is str}
        if tensors:
            return tensors
        root = next((root[name] for name in NESTED if type(root.get(name)) is dict), None)
    raise RefusedError("it has no table of arrays by name")


def _arrays(tensors: dict[str, _Tensor], size: int, numbers: Callable[[_Storage], np.ndarray]) -> dict[str, np.ndarray]:
    """Arrays by name; `size` is the file's, which limits theirs."""
    left = 4 * size + SPARE
    read: dict[str, np.ndarray] = {}
    arrays = {}
    for name, tensor in tensors.items():
        left -= read_bytes(tensor.shape, tensor.storage.kind)
        if left < 0:
            raise RefusedError("its arrays are larger than the file")
        key = tensor.storage.key
        if key not in read:
            read[key] = numbers(tensor.storage)
        arrays[name] = _array(tensor, read[key])
    return arrays


def _array(tensor: _Tensor, numbers: np.ndarray) -> np.ndarray:
    if 0 in tensor.shape:
        return np.empty(tensor.shape, np.float32)
    steps = tuple(stride * numbers.itemsize for stride in tensor.strides)
    strided = np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, steps, writeable=False)
    return widened(np.asarray(strided, order="C"), tensor.storage.kind)


def _rebuilt(arguments: tuple[Any, ...]) -> _Tensor:
    """The array that torch._utils._rebuild_tensor_v2 describes. Raises RefusedError unless its storage contains it."""
    storage, offset, shape, strides = arguments[:4]
    if not isinstance(storage, _Storage) or not is_count(offset) or any(arguments[6:]):
        raise RefusedError("an array is described in an unknown way")
    shape, strides = counted_shape(shape, storage.key), whole_numbers(strides, storage.key)
    if len(shape) != len(strides):
        raise RefusedError(f"an array in the storage {shown(storage.key)} has strides that do not fit its shape")
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if 0 not in shape and last >= storage.count:
        raise RefusedError(f"an array is larger than its storage {shown(storage.key)}")
    return _Tensor(storage, offset, shape, strides)


def _parameter(arguments: tuple[Any, ...]) -> _Tensor:
    if not arguments or not isinstance(arguments[0], _Tensor):
        raise RefusedError("a parameter is described in an unknown way")
    return arguments[0]


def _ordered(arguments: tuple[Any, ...]) -> dict[Any, Any]:
    """An ordered dict. Python 2 wrote it with a list of pairs."""
    return as_dict(arguments[0]) if arguments else {}


@dataclass(frozen=True)
class _Kind:
    """A kind of numbers, which a storage class stands for."""

    name: str


_NAMES: dict[str, Any] = {
    "collections.OrderedDict": Maker(_ordered),
    "torch._utils._rebuild_tensor": Maker(_rebuilt),
    "torch._utils._rebuild_tensor_v2": Maker(_rebuilt),
    "torch._utils._rebuild_parameter": Maker(_parameter),
    "torch.DoubleStorage": _Kind("float64"),
    "torch.FloatStorage": _Kind("float32"),
    "torch.HalfStorage": _Kind("float16"),
    "torch.BFloat16Storage": _Kind("bfloat16"),
    "torch.LongStorage": _Kind("int64"),
    "torch.IntStorage": _Kind("int32"),
    "torch.ShortStorage": _Kind("int16"),
    "torch.CharStorage": _Kind("int8"),
    "torch.ByteStorage": _Kind("uint8"),
}
"""The names that a state dict needs, and what they mean here."""

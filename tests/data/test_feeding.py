import numpy as np
import pytest

import tellapart
from tellapart.data import feeding
from tellapart.data.feeding import prepare_pictures
from tellapart.data.pixel_store import PixelFile
from tellapart.errors import DataError
from tellapart.images.preprocessing import Preparation
from tests.conftest import write_folder

PREPARATION = Preparation(height=12, width=12, colour="grey")


def test_arrays_and_files_give_the_same(stripes_collection, stripes_folder):
    files = tellapart.open(stripes_folder)
    order = np.array([int(key.split("/")[1][:3]) for key in files.keys])
    got = prepare_pictures(files, np.arange(len(files)), PREPARATION)
    assert np.array_equal(got.pixels, stripes_collection.pictures.array[order])
    assert np.array_equal(got.labels, stripes_collection.labels[order])
    chosen = np.array([30, 2, 17])
    assert np.array_equal(prepare_pictures(files, chosen, PREPARATION).pixels, got.pixels[chosen])


def test_unreadable_pictures_are_skipped(tmp_path):
    folder = write_folder(tmp_path / "data")
    (folder / "down" / "001.png").write_bytes(b"nonsense")
    (folder / "down" / "004.png").write_bytes(b"")
    collection = tellapart.open(folder)
    got = prepare_pictures(collection, np.arange(36), PREPARATION)
    assert len(got) == 34
    assert [(item.key, item.reason) for item in got.skipped] == [
        ("down/001.png", "is not a picture of a known format"),
        ("down/004.png", "the file is empty"),
    ]
    assert np.array_equal(got.labels, collection.labels[got.indices])


def test_when_none_can_be_read(tmp_path):
    folder = write_folder(tmp_path / "data", 6)
    for file in folder.rglob("*.png"):
        file.write_bytes(b"nonsense")
    with pytest.raises(DataError, match=r"none of 6 pictures can be read \(across/000.png: is not a picture"):
        prepare_pictures(tellapart.open(folder), np.arange(6), PREPARATION)


def test_large_stores_are_on_disk(stripes_folder, monkeypatch):
    collection = tellapart.open(stripes_folder)
    expected = prepare_pictures(collection, np.arange(36), PREPARATION).pixels
    monkeypatch.setattr(feeding, "IN_MEMORY", 100)
    got = prepare_pictures(collection, np.arange(36), PREPARATION).pixels
    assert isinstance(got, PixelFile)
    assert np.array_equal(got, expected)
    rows = np.array([30, 2, 2, 17])
    assert np.array_equal(got[rows], expected[rows])


def test_progress_is_reported(stripes_folder):
    events = []
    prepare_pictures(tellapart.open(stripes_folder), np.arange(36), PREPARATION, events.append)
    assert events[-1].finished

import os
import time

import numpy as np
import pytest

import tellapart
from tellapart.data import cache, feeding
from tellapart.data.cache import find_entry, make_room
from tellapart.data.collection import EncodedPictures
from tellapart.data.duplicates import Traits
from tellapart.data.feeding import prepare_collection, prepare_pictures
from tellapart.data.pixel_store import PixelFile, SelectedRows
from tellapart.errors import PictureError
from tellapart.images.preprocessing import Preparation
from tests.conftest import write_folder

PREPARATION = Preparation(height=9, width=9, colour="grey")


@pytest.fixture(params=("in memory", "in a file"))
def home(tmp_path, monkeypatch, request):
    """A folder for kept copies; every reading is worth one."""
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(feeding, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(cache, "SPARE_BYTES", 0)
    if request.param == "in a file":
        monkeypatch.setattr(feeding, "IN_MEMORY", 100)
    return tmp_path / "cache" / "prepared"


def kept_in(home):
    """The files there, once they are written."""
    while feeding._writers:
        feeding._writers.pop().join()
    return list(home.iterdir())


def photos(tmp_path, damaged=False):
    folder = write_folder(tmp_path / "photos")
    if damaged:
        (folder / "down" / "004.png").write_bytes(b"nonsense")
    return folder


def read_again(monkeypatch, folder):
    """What a second reading gives that may decode nothing."""
    collection = tellapart.open(folder)
    with monkeypatch.context() as patch:
        patch.setattr(type(collection.pictures), "image", None)
        return prepare_collection(collection, PREPARATION)


def same(one, other):
    assert np.array_equal(one.data.pixels, other.data.pixels)
    assert np.array_equal(one.data.labels, other.data.labels)
    assert np.array_equal(one.data.indices, other.data.indices)
    assert one.data.skipped == other.data.skipped
    assert one.duplicates().groups == other.duplicates().groups


def test_the_second_reading_decodes_nothing(tmp_path, home, monkeypatch):
    folder = photos(tmp_path, damaged=True)
    (folder / "down" / "again.png").write_bytes((folder / "down" / "001.png").read_bytes())
    first = prepare_collection(tellapart.open(folder), PREPARATION)
    assert [item.key for item in first.data.skipped] == ["down/004.png"]
    assert len(first.duplicates().groups) == 1
    assert len(kept_in(home)) == 1
    same(first, read_again(monkeypatch, folder))


def test_nothing_is_kept_where_that_is_not_wanted(tmp_path, home, monkeypatch):
    folder = photos(tmp_path)
    monkeypatch.setenv("TELLAPART_KEEP_PICTURES", "0")
    whole = prepare_collection(tellapart.open(folder), PREPARATION)
    assert len(whole.data) == 36
    assert not (tmp_path / "cache").exists()
    monkeypatch.delenv("TELLAPART_KEEP_PICTURES")
    same(whole, prepare_collection(tellapart.open(folder), PREPARATION))
    assert len(kept_in(home)) == 1


def test_some_of_them_come_from_there_too(tmp_path, home, monkeypatch):
    folder = photos(tmp_path, damaged=True)
    collection = tellapart.open(folder)
    whole = prepare_collection(collection, PREPARATION).data
    monkeypatch.setattr(feeding, "FEW", 3)
    wanted = np.array([30, 2, 17, 13, 14, 12])
    with monkeypatch.context() as patch:
        patch.setattr(type(collection.pictures), "image", None)
        got = prepare_pictures(collection, wanted, PREPARATION)
    expected = whole.select(np.sort(wanted))
    order = np.argsort(got.indices)
    assert np.array_equal(got.pixels[order], expected.pixels)
    assert got.skipped == expected.skipped


@pytest.mark.parametrize("change", ("write", "touch", "add", "remove", "rename"))
def test_changed_files_are_read_again(tmp_path, home, change):
    folder = photos(tmp_path)
    prepare_collection(tellapart.open(folder), PREPARATION)
    file, other = folder / "down" / "001.png", folder / "down" / "004.png"
    before = file.stat()
    if change == "write":  # of the same size, with its time set back
        data = bytearray(file.read_bytes())
        data[-1] ^= 1
        time.sleep(0.02)
        file.write_bytes(bytes(data))
        os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    elif change == "touch":
        os.utime(file, (1, 1))
    elif change == "add":
        (folder / "down" / "new.png").write_bytes(other.read_bytes())
    elif change == "remove":
        file.unlink()
    else:
        file.rename(folder / "down" / "zzz.png")
    assert kept_in(home)
    assert find_entry(tellapart.open(folder), PREPARATION, home).load() is None


def test_other_sizes_have_their_own(tmp_path, home):
    collection = tellapart.open(photos(tmp_path))
    prepare_collection(collection, PREPARATION)
    assert kept_in(home)
    assert find_entry(collection, PREPARATION.model_copy(update={"fit": "crop"}), home).load() is None


@pytest.mark.parametrize("where", (10, -1, -20, -40, -2000))
def test_a_damaged_copy_is_made_again_or_reported(tmp_path, home, where):
    folder = photos(tmp_path)
    first = prepare_collection(tellapart.open(folder), PREPARATION)
    expected = np.asarray(first.data.pixels)
    (path,) = kept_in(home)
    data = bytearray(path.read_bytes())
    data[where] ^= 4
    path.write_bytes(bytes(data))
    if where == 10 and feeding.IN_MEMORY == 100:  # among the pixels, which are looked at one by one
        with pytest.raises(tellapart.TellapartError, match="the stored copy of picture 0 is damaged"):
            np.asarray(prepare_collection(tellapart.open(folder), PREPARATION).data.pixels)
    else:
        again = prepare_collection(tellapart.open(folder), PREPARATION)
        assert np.array_equal(again.data.pixels, expected)


def test_a_truncated_copy_is_not_used(tmp_path, home):
    folder = photos(tmp_path)
    prepare_collection(tellapart.open(folder), PREPARATION)
    (path,) = kept_in(home)
    data = path.read_bytes()
    for length in (0, 5, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:length])
        assert find_entry(tellapart.open(folder), PREPARATION, home).load() is None


def test_a_full_disk_costs_the_copy_only(tmp_path, home, monkeypatch):
    monkeypatch.setattr(cache, "SPARE_BYTES", 2**60)
    folder = photos(tmp_path)
    got = prepare_collection(tellapart.open(folder), PREPARATION)
    assert len(got.data) == 36
    assert kept_in(home) == []
    assert isinstance(got.data.pixels, PixelFile if feeding.IN_MEMORY == 100 else np.ndarray)


def test_a_place_that_cannot_be_written_to(tmp_path, home, monkeypatch):
    home.parent.mkdir()
    home.write_text("no folder")
    assert len(prepare_collection(tellapart.open(photos(tmp_path)), PREPARATION).data) == 36


def test_room_is_made_by_the_oldest_and_by_what_crashes_left(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SPARE_BYTES", 0)
    monkeypatch.setattr(cache, "MOST_BYTES", 250)
    for age, name in enumerate(("new.pixels", "old.pixels", ".x.pixels.1.part", ".y.pixels.2.part")):
        (tmp_path / name).write_bytes(b"." * 100)
        os.utime(tmp_path / name, (time.time() - age * 50_000,) * 2)
    make_room(tmp_path, 100)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new.pixels"]
    with pytest.raises(OSError, match="no space for 251 bytes"):
        make_room(tmp_path, 251)
    assert [path.name for path in tmp_path.iterdir()] == ["new.pixels"]  # nothing is removed in vain


def test_an_unfinished_copy_of_now_is_left_alone(tmp_path):
    (tmp_path / ".x.pixels.1.part").write_bytes(b".")
    make_room(tmp_path, 1)
    assert (tmp_path / ".x.pixels.1.part").exists()


def test_a_failure_leaves_nothing_behind(tmp_path, home, monkeypatch):
    folder = photos(tmp_path)
    monkeypatch.setattr(feeding, "_fill", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        prepare_collection(tellapart.open(folder), PREPARATION)
    assert not home.exists() or kept_in(home) == []


def test_splits_share_the_pixels(tmp_path, home):
    whole = prepare_collection(tellapart.open(photos(tmp_path)), PREPARATION).data
    assert isinstance(whole.select(np.array([3, 5])).pixels, SelectedRows)


def test_a_stored_temporary_fault_is_ignored_if_the_copy_could_not_be_removed(tmp_path, home, monkeypatch):
    """As on Windows, where open files cannot be removed."""
    monkeypatch.setattr(cache.Entry, "remove", lambda _: None)
    folder, real = photos(tmp_path), EncodedPictures.image

    def image(pictures, i, least, samples):
        if i == 3:
            raise PictureError("x", "in other words", temporary=True)
        return real(pictures, i, least, samples)

    monkeypatch.setattr(EncodedPictures, "image", image)
    first = prepare_collection(tellapart.open(folder), PREPARATION).data
    monkeypatch.setattr(EncodedPictures, "image", real)
    assert [item.index for item in first.skipped] == [3]
    assert not prepare_collection(tellapart.open(folder), PREPARATION).data.skipped
    everything = np.arange(len(tellapart.open(folder)))
    assert not prepare_pictures(tellapart.open(folder), everything, PREPARATION).skipped


@pytest.mark.parametrize("temporary", (True, False))
def test_a_copy_with_a_temporary_fault_is_not_kept_whatever_its_words(tmp_path, home, monkeypatch, temporary):
    """The flag comes back from the processes that decode, and decides; the words "cannot be read" do not."""
    folder, real = photos(tmp_path), EncodedPictures.image

    def image(pictures, i, least, samples):
        if i == 3:
            raise PictureError("x", "cannot be read (words)", temporary=temporary)
        return real(pictures, i, least, samples)

    with monkeypatch.context() as patch:
        patch.setattr(EncodedPictures, "image", image)
        prepare_collection(tellapart.open(folder), PREPARATION)
    feeding.wait_for_copies()
    assert len(kept_in(home) if home.exists() else []) == (0 if temporary else 1)
    skipped = prepare_collection(tellapart.open(folder), PREPARATION).data.skipped
    assert [item.index for item in skipped] == ([] if temporary else [3])


def test_an_entry_keeps_whether_a_fault_is_temporary(tmp_path, monkeypatch):
    monkeypatch.setattr(cache, "SPARE_BYTES", 0)
    collection = tellapart.open(photos(tmp_path))
    entry = find_entry(collection, PREPARATION, tmp_path / "kept")
    faults = {2: cache.Unreadable("gone", True), 4: cache.Unreadable("damaged", False)}
    pictures = np.zeros((len(collection), *PREPARATION.shape), np.uint8)
    entry.write(pictures, cache.Known(faults, Traits.room(len(collection))))
    assert entry.load()[1].unreadable == faults


def test_a_full_disk_is_met_before_the_work_where_files_have_holes(tmp_path, monkeypatch):
    """As on macOS."""
    monkeypatch.delattr(os, "posix_fallocate", raising=False)
    with (tmp_path / "a").open("wb") as file:
        cache.reserve(file, 1000)
        assert file.seek(0, os.SEEK_END) == 1000
        with pytest.raises(OSError, match="No space left"):
            cache.reserve(file, 2**62)

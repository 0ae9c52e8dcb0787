"""Folders and archives with dirty data: training finishes, lists what it skipped, and changes no file of the data."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data import feeding
from tellapart.data.feeding import prepare_collection, prepare_pictures
from tellapart.errors import PictureError, TellapartError
from tellapart.files import sha256_of_file
from tellapart.images.decode import decode, pillow_warnings_off
from tellapart.images.preprocessing import Preparation
from tellapart.images.read import read_picture
from tellapart.progress import silent
from tests import corpus
from tests.memory import forget_peak, peak

pytestmark = pytest.mark.usefixtures("sketched")

READABLE, UNREADABLE = corpus.readable(), corpus.unreadable()
SPECIAL = ("dangling.jpg", "loop.jpg", "zero.jpg", "pipe.jpg")
if os.geteuid() != 0:  # whom nothing is forbidden
    SPECIAL += ("locked.jpg",)


def written(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def state(folder):
    """Everything about a folder that a program could change, but for the times of reading."""
    found = {}
    for home, folders, files in os.walk(folder):
        for name in folders + files:
            path = Path(home, name)
            status = path.lstat()
            what = (status.st_mode, status.st_size, status.st_mtime_ns, status.st_nlink)
            found[path] = (*what, sha256_of_file(path) if stat.S_ISREG(status.st_mode) else "")
    return found


@pytest.fixture(scope="module")
def dirty(tmp_path_factory):
    """A folder with two classes, and all that is odd in one of them."""
    folder = tmp_path_factory.mktemp("dirty") / "data"
    for k in range(60):
        home = written(folder / ("smooth", "rough")[k % 2], {})
        image = corpus.photo(k) if k % 2 == 0 else corpus.Image.effect_noise((80, 60), 90).convert("RGB")
        image.save(home / f"{k}.png")
    written(folder / "smooth", READABLE | UNREADABLE)
    corpus.special_files(folder / "smooth")
    (folder / "smooth" / "locked.jpg").write_bytes(READABLE["grey.jpg"])
    (folder / "smooth" / "locked.jpg").chmod(0)
    return folder


def test_training_on_a_dirty_folder(dirty, tmp_path):
    before = state(dirty)
    run = tellapart.train(
        dirty, recipe="dense", epochs=1, set={"height": 16, "width": 16}, runs=tmp_path / "runs", on_event=silent
    )
    record = json.loads((run.path / "run.json").read_text())
    aside = {item["file"]: item["reason"] for item in record["results"]["skipped"]}
    assert set(aside) == {f"smooth/{name}" for name in (*UNREADABLE, *SPECIAL)}
    assert aside["smooth/pipe.jpg"] == aside["smooth/zero.jpg"] == "not a file"
    assert aside["smooth/dangling.jpg"] == "does not exist"
    assert "symbolic links" in aside["smooth/loop.jpg"]
    assert all(aside.values())
    counts = record["split"]["counts"]
    assert sum(counts.values()) == 60 + len(READABLE) + len(aside) + (os.geteuid() == 0)
    assert state(dirty) == before


def test_checking_a_dirty_folder(dirty, tmp_path):
    before = state(dirty)
    found = tellapart.check(
        dirty, skip_labels=True, output=tmp_path / "page.html", write_manifest=tmp_path / "clean.csv", on_event=silent
    )
    assert len(found.findings["unreadable"]) == len(UNREADABLE) + len(SPECIAL)
    assert state(dirty) == before
    assert len(tellapart.open(tmp_path / "clean.csv")) < 60 + len(READABLE)


@pytest.mark.parametrize("name", READABLE)
def test_odd_pictures_are_read(name):
    with pillow_warnings_off():
        pixels = decode(READABLE[name], name)
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] in (1, 3)


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_pictures_have_a_reason(name):
    with pytest.raises(PictureError) as caught:
        decode(UNREADABLE[name], name)
    assert caught.value.reason
    assert name in str(caught.value)


def test_bombs_take_no_memory(tmp_path):
    """In a separate process, since only the peak of a process can be measured."""
    code = (
        "import sys\n"
        "from tellapart.images.decode import decode\n"
        "from tellapart.errors import PictureError\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "from tests.corpus import bombs, photo, encoded\n"
        "from tests.memory import forget_peak, peak\n"
        "decode(encoded(photo(), 'PNG')); files = bombs()\n"
        "before = forget_peak()\n"
        "for name, data in files.items():\n"
        "    try:\n        decode(data, name)\n        print('decoded', name)\n"
        "    except PictureError:\n        pass\n"
        "print(peak() - before)\n"
    )
    here = str(Path(__file__).parent.parent)
    done = subprocess.run([sys.executable, "-c", code, here], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 64 * 1024, done.stdout


def test_every_way_gives_the_same_array(tmp_path, monkeypatch):
    """Training's reader, its stored copies, prediction from paths and bytes, and what the network is given."""
    monkeypatch.setattr(feeding, "WORTH_KEEPING", 0.0)
    files = dict(READABLE)
    for k in range(100 - len(files) + 1):
        height, width = 20 + 37 * (k % 13), 20 + 53 * (k % 11)
        files[f"more-{k}.jpg"] = corpus.oriented(corpus.photo(k, height, width), 1 + k % 8)
    assert len(files) >= 100
    written(tmp_path / "data" / "x", files)
    written(tmp_path / "data" / "y", {"y.png": READABLE["alpha.png"]})
    collection = tellapart.open(tmp_path / "data")
    for k, (size, fit, colour) in enumerate(((32, "stretch", "rgb"), (40, "crop", "grey"), (24, "pad", "rgb"))):
        preprocessing = Preparation(height=size, width=size + 8, colour=colour, fit=fit)
        train = tellapart.train(
            tmp_path / "data", recipe="dense", epochs=1, test=0, validation=0, runs=tmp_path / f"runs{k}",
            set={"height": size, "width": size + 8, "colour": colour, "fit": fit}, on_event=silent,
        )  # fmt: skip
        classifier = train.model
        assert classifier.preprocessing == preprocessing
        given = []
        monkeypatch.setattr(
            classifier,
            "probabilities_and_ood_scores",
            lambda pixels, g=given, c=classifier: (g.append(pixels), type(c).probabilities_and_ood_scores(c, pixels))[
                1
            ],
        )
        whole = prepare_collection(collection, preprocessing).data
        with monkeypatch.context() as patch:  # from the stored copy alone
            patch.setattr(feeding, "_fill", lambda *_: pytest.fail("pictures were decoded again"))
            again = prepare_pictures(collection, np.arange(len(collection)), preprocessing)
        assert np.array_equal(np.asarray(whole.pixels), np.asarray(again.pixels))
        for i, key in enumerate(collection.keys):
            path = tmp_path / "data" / key
            given.clear()
            classifier.predict(str(path))
            classifier.predict(path.read_bytes())
            classifier.predict([path])
            with pillow_warnings_off(), Image.open(path) as image:
                classifier.predict(image)
            assert len(given) == 4
            for pixels in given:
                assert np.array_equal(pixels[0], whole.pixels[i]), key


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("least", (None, (12, 16)))
def test_orientation_with_and_without_shrinking(orientation, least):
    pixels = decode(corpus.oriented(corpus.photo(3, 120, 160), orientation), "x", least)
    if least is not None and orientation > 4:
        least = least[::-1]
    upright = decode(corpus.encoded(corpus.photo(3, 120, 160), "JPEG", quality=95), "x", least)
    turned = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, 1),
    }[orientation](upright)
    assert pixels.shape == turned.shape
    assert np.array_equal(pixels, turned)


def test_hostile_archives_write_nothing_and_are_refused_or_harmless(tmp_path):
    outside = written(tmp_path / "outside", {"keep.txt": b"as it was"})
    (outside / "archives").mkdir()
    refused, taken = 0, forget_peak()
    for what, path in list(corpus.hostile_archives(outside / "archives")):
        before = state(tmp_path)
        try:
            collection = tellapart.open(path)
            keys = set(collection.keys)
            for i in range(len(collection)):
                try:
                    collection.read(i)
                except PictureError:
                    continue
            assert keys <= {"a/1.png", "b/2.png", "a/link.png", "c/x.png"}, what
        except TellapartError as error:
            refused += 1
            assert path.name in str(error), what
        assert state(tmp_path) == before, what
    assert refused >= 18
    assert peak() - taken < 2**20  # KiB


def test_a_file_that_never_ends_is_not_read(tmp_path):
    with (tmp_path / "vast.jpg").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(PictureError, match="is larger than 256 MiB"):
        read_picture(tmp_path / "vast.jpg")
    (tmp_path / "a").mkdir()
    (tmp_path / "vast.jpg").rename(tmp_path / "a" / "vast.jpg")
    with pytest.raises(PictureError, match="is larger than 256 MiB"):
        tellapart.open(tmp_path).read(0)

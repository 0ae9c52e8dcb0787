import json
import os

import numpy as np
import pytest

from tellapart.errors import CheckpointError
from tellapart.training.checkpoints import Checkpoint, Checkpoints


def checkpoint(number):
    arrays = {"network/0": np.full((3, 4), number, np.float32), "best/0": np.arange(5)}
    return Checkpoint({"epoch": number, "best": [0.5, -0.25]}, arrays)


def written(folder, count):
    found = Checkpoints(folder)
    for number in range(1, count + 1):
        found.write(checkpoint(number))
    return found


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def newest(folder, said=None):
    return Checkpoints(folder).newest((said if said is not None else []).append)


def test_what_is_written_is_read_and_two_are_kept(tmp_path):
    written(tmp_path / "c", 4)
    assert names(tmp_path / "c") == ["checkpoint-0003", "checkpoint-0004"]
    found = newest(tmp_path / "c")
    assert found.values == {"epoch": 4, "best": [0.5, -0.25]}
    assert np.array_equal(found.arrays["network/0"], np.full((3, 4), 4, np.float32))
    assert found.arrays["best/0"].dtype == np.arange(5).dtype


def test_there_is_none_where_there_never_was(tmp_path):
    assert newest(tmp_path / "c") is None
    assert not Checkpoints(tmp_path / "c").any()


def test_what_a_broken_save_left_is_taken_away(tmp_path):
    written(tmp_path / "c", 1)
    (tmp_path / "c" / ".checkpoint-0002.x.part").mkdir()
    assert newest(tmp_path / "c").values["epoch"] == 1
    assert names(tmp_path / "c") == ["checkpoint-0001"]


@pytest.mark.parametrize("name", ("manifest.json", "arrays.npz"))
def test_every_flipped_bit_and_every_cut_is_found(tmp_path, name):
    written(tmp_path / "c", 2)
    path = tmp_path / "c" / "checkpoint-0002" / name
    whole = path.read_bytes()
    flips = range(len(whole) * 8) if name == "manifest.json" else range(0, len(whole) * 8, 5)
    for bit in flips:
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        path.write_bytes(data)
        said = []
        assert newest(tmp_path / "c", said).values["epoch"] == 1, bit
        assert said[0].startswith("WARNING: damaged checkpoints (checkpoint-0002: ")
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        assert newest(tmp_path / "c").values["epoch"] == 1, length
    path.write_bytes(whole)
    assert newest(tmp_path / "c").values["epoch"] == 2


def test_without_a_manifest_it_does_not_count(tmp_path):
    written(tmp_path / "c", 2)
    (tmp_path / "c" / "checkpoint-0002" / "manifest.json").unlink()
    said = []
    assert newest(tmp_path / "c", said).values["epoch"] == 1
    assert "checkpoint-0002: it has no manifest" in said[0]


def test_all_damaged_is_an_error_that_names_them(tmp_path):
    written(tmp_path / "c", 2)
    for path in (tmp_path / "c").glob("*/arrays.npz"):
        path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(
        CheckpointError, match=r"all of 2 checkpoints are damaged .*checkpoint-0002: arrays.npz has"
    ) as caught:
        newest(tmp_path / "c")
    assert "start a new run without --resume" in caught.value.action


def test_a_newer_format_is_named(tmp_path):
    written(tmp_path / "c", 1)
    path = tmp_path / "c" / "checkpoint-0001" / "manifest.json"
    from tellapart.training import checkpoints

    content = json.loads(path.read_text())
    content.pop("sha256")
    path.write_bytes(checkpoints._sealed(content | {"schema": 2}))
    with pytest.raises(CheckpointError, match="it has format 2, and this version reads 1"):
        newest(tmp_path / "c")


def test_after_damage_the_sound_one_stays_until_two_newer_are_read_back(tmp_path):
    written(tmp_path / "c", 2)
    (tmp_path / "c" / "checkpoint-0002" / "arrays.npz").write_bytes(b"")
    found = Checkpoints(tmp_path / "c")
    assert found.newest([].append).values["epoch"] == 1
    found.write(checkpoint(3))
    assert names(tmp_path / "c") == ["checkpoint-0001", "checkpoint-0003"]
    found.write(checkpoint(4))
    assert names(tmp_path / "c") == ["checkpoint-0003", "checkpoint-0004"]


CALLS = ("os.mkdir", "io.open", "os.fsync", "os.rename", "os.open")


@pytest.mark.parametrize("which", range(1, 12))
@pytest.mark.parametrize("code", (28, 5), ids=("full", "broken"))
def test_whatever_call_fails_the_one_before_is_whole(tmp_path, monkeypatch, which, code):
    """The N-th call that makes, opens, flushes or names a file fails: nothing half-written counts, and it is said."""
    found = written(tmp_path / "c", 1)
    count = [0]

    def failing(real):
        def call(*arguments, **options):
            count[0] += 1
            if count[0] == which:
                raise OSError(code, os.strerror(code), str(arguments[0]))
            return real(*arguments, **options)

        return call

    with monkeypatch.context() as patch:
        for name in CALLS:
            module, call = name.split(".")
            patch.setattr(name, failing(getattr(__import__(module), call)))
        try:
            found.write(checkpoint(2))
            failed = False
        except CheckpointError as error:
            failed = True
            assert str(tmp_path / "c" / "checkpoint-0002") in error.given
            assert "a checkpoint of 88 bytes cannot be written" in error.given
            assert os.strerror(code) in error.given or "verification failed" in error.given
    kept = newest(tmp_path / "c").values["epoch"]
    assert kept in ((1, 2) if failed else (2,))
    found.write(checkpoint(3))
    assert newest(tmp_path / "c").values["epoch"] == 3


def test_reading_back_finds_what_the_disk_did_not_keep(tmp_path, monkeypatch):
    from tellapart.training import checkpoints

    found = written(tmp_path / "c", 1)
    real = checkpoints._write

    def lossy(folder, one):
        real(folder, one)
        (folder / "arrays.npz").write_bytes(b"\0" * (folder / "arrays.npz").stat().st_size)

    monkeypatch.setattr(checkpoints, "_write", lossy)
    with pytest.raises(CheckpointError, match=r"verification failed: arrays.npz is damaged"):
        found.write(checkpoint(2))
    assert (tmp_path / "c" / "checkpoint-0001").exists()

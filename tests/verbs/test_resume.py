"""Trainings that were broken off, gone on with: the same run, the same result."""

import csv
import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.errors import (
    CheckpointError,
    DataError,
    Stopped,
    TrainingError,
    UsageError,
)
from tellapart.networks import backend
from tellapart.progress import Note, silent
from tellapart.training import precision
from tellapart.training import train as training
from tellapart.training.budget import Budget
from tellapart.training.checkpoints import Checkpoints
from tellapart.training.run_folder import RunFolder
from tests.conftest import make_collection, stripes, write_folder
from tests.killing import KilledError, killed_after
from tests.resuming import broken, metrics, train

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "stripes", 60)


def weights(run):
    return [one.tobytes() for one in run.model.network.get_weights()]


def test_a_run_goes_on_in_its_folder_to_the_same_result(folder, tmp_path, monkeypatch):
    whole = train(folder, tmp_path / "whole", recipe="quick")
    broken(monkeypatch, 1, folder, tmp_path / "runs", recipe="quick")
    (path,) = (tmp_path / "runs").iterdir()
    assert RunFolder(path).read()["status"] == "failed"  # as Python says; of a killed process it stays "running"
    notes = []
    run = tellapart.train(resume=path, on_event=notes.append)
    assert run.path == path
    assert weights(run) == weights(whole)
    assert metrics(run) == metrics(whole)
    record = RunFolder(path).read()
    assert record["status"] == "done"
    assert record["options"]["epochs"] == 3
    assert not (path / "checkpoints").exists()
    assert not (path / "lock").exists()
    assert notes[0].text == (
        f"resuming {path} (1 epoch done) with its original options: "
        "--recipe quick --set batch_size=8 --epochs 3 --seed 4"
    )
    with pytest.raises(UsageError, match="this run is finished") as caught:
        tellapart.train(resume=path, on_event=silent)
    assert caught.value.action == f"use its model: {path / 'model.keras'}"


def test_the_same_command_offers_it_and_auto_takes_it(folder, tmp_path, monkeypatch):
    broken(monkeypatch, 1, folder, tmp_path)
    (path,) = tmp_path.iterdir()
    notes = []
    broken(monkeypatch, 1, folder, tmp_path, on_event=notes.append)
    offer = f"note: {path} is an interrupted run of this command (1 epoch done); continue it with --resume {path}"
    assert notes[0].text == offer
    other = max(tmp_path.iterdir())
    taken = train(folder, tmp_path, resume="auto")
    assert taken.path in (path, other)
    anew = train(folder, tmp_path, resume="auto", seed=5)
    assert anew.path not in (path, other)


def test_a_training_whose_figures_became_no_numbers_is_not_offered(folder, tmp_path, monkeypatch):
    broken(monkeypatch, 1, folder, tmp_path)
    (path,) = tmp_path.iterdir()
    record = RunFolder(path).read()
    error = TrainingError("epoch 2: loss is nan", "a finite number", "lower the rate")
    RunFolder(path).write(record | {"reason": error.to_dict(), "resumable": error.resumable})
    notes = []
    run = train(folder, tmp_path, resume="auto", on_event=notes.append)
    assert run.path != path
    assert not any("interrupted" in note.text for note in notes if isinstance(note, Note))


def test_other_options_are_refused(folder, tmp_path, monkeypatch):
    broken(monkeypatch, 2, folder, tmp_path)
    (path,) = tmp_path.iterdir()
    with pytest.raises(UsageError, match=f"--epochs 9 with --resume {path}") as caught:
        tellapart.train(resume=path, epochs=9, on_event=silent)
    assert caught.value.expected == "what the run was started with: 3"
    with pytest.raises(UsageError, match="train: data is missing"):
        tellapart.train(on_event=silent)
    with pytest.raises(UsageError, match="is not a run folder"):
        tellapart.train(resume=tmp_path / "no", on_event=silent)
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd" / "run.json").write_text("[1]")
    with pytest.raises(UsageError, match=r"run.json: it does not describe a run"):
        tellapart.train(resume=tmp_path / "odd", on_event=silent)


def test_pictures_that_changed_are_named(tmp_path, monkeypatch):
    folder = write_folder(tmp_path / "data", 60)
    broken(monkeypatch, 2, folder, tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    next(iter(sorted((folder / "down").glob("*.png")))).unlink()
    with pytest.raises(CheckpointError, match=r"has changed since .* was started \(then 60 pictures, now 59"):
        tellapart.train(resume=path, on_event=silent)
    assert RunFolder(path).read()["status"] == "failed"
    assert Checkpoints(path / "checkpoints").any()


def test_one_picture_that_changed_under_its_name_and_size_is_told(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    pixels, labels = stripes(90)
    for i in range(90):
        place = folder / "abc"[labels[i]] / f"{i}.pgm"
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels[i, :, :, 0]).save(place)
    broken(monkeypatch, 2, folder, tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()
    rows = list(csv.DictReader((path / "split.csv").read_text().splitlines()))
    one = folder / [row["key"] for row in rows if row["split"] == "train"][7]
    one.write_bytes(one.read_bytes()[:-1] + b"\x01")
    with pytest.raises(
        CheckpointError, match=r"belongs to another training \(a picture, a label or the split has changed"
    ):
        tellapart.train(resume=path, on_event=silent)


def test_one_process_at_a_time_and_no_lock_is_left_by_a_dead_one(folder, tmp_path, monkeypatch):
    broken(monkeypatch, 2, folder, tmp_path)
    (path,) = tmp_path.iterdir()
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom tellapart.training.run_folder import RunFolder\n"
        "with RunFolder(Path(sys.argv[1])).locked():\n    print('held', flush=True)\n    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UsageError, match=rf"is being trained by process {holder.pid} on "):
            tellapart.train(resume=path, on_event=silent)
        holder.kill()
    assert (path / "lock").exists()
    with RunFolder(path).locked():
        assert f"process {os.getpid()} on " in (path / "lock-holder.txt").read_text()
    assert not (path / "lock").exists()
    assert tellapart.train(resume=path, on_event=silent).path == path


def test_a_full_disk_is_met_before_going_on(folder, tmp_path, monkeypatch):
    broken(monkeypatch, 1, folder, tmp_path / "runs")
    (path,) = (tmp_path / "runs").iterdir()

    class Usage:
        free = 1_000_000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(UsageError, match="a training writes at least"):
        tellapart.train(resume=path, on_event=silent)


def test_a_record_that_cannot_be_written_is_named(folder, tmp_path, monkeypatch):
    def full(path, record):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tellapart.training.run_folder.write_json", full)
    with pytest.raises(CheckpointError, match=r"run.json: cannot be written \(No space left on device\)"):
        train(folder, tmp_path / "runs")


def test_deterministic_trains_in_float32(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(backend, "make_deterministic", lambda: None)
    monkeypatch.setattr(precision, "choose_precision", lambda *_: ("bfloat16", "measured"))
    notes = []
    train(folder, tmp_path / "runs", notes.append, deterministic=True, epochs=1)
    assert any("float32 (deterministic)" in note.text for note in notes if isinstance(note, Note))


def test_minutes_go_on_with_what_is_left_of_them(folder, tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, 3)
        train(folder, tmp_path, epochs=None, minutes=1 / 6)
    (path,) = tmp_path.iterdir()
    kept = Checkpoints(path / "checkpoints").newest(pytest.fail)
    assert 0 < kept.values["seconds"] < kept.values["total_seconds"]
    used, real = [], Budget.resume
    monkeypatch.setattr(Budget, "resume", lambda self, seconds: (used.append(seconds), real(self, seconds)))
    run = tellapart.train(resume=path, on_event=silent)
    assert used == [kept.values["total_seconds"]]
    assert kept.values["seconds"] <= run.train_seconds
    assert RunFolder(path).read()["options"]["minutes"] == pytest.approx(1 / 6)


def test_too_little_memory_makes_the_batches_smaller(folder, tmp_path, monkeypatch):
    real, sizes = training.train_network, []

    def short(plan, *rest):
        recipe = plan.recipe
        sizes.append((recipe.batch_size, recipe.learning_rate))
        if recipe.batch_size > 8:
            raise RuntimeError("OOM when allocating tensor with shape[32,64] on CPU")
        return real(plan, *rest)

    monkeypatch.setattr(training, "train_network", short)
    notes = []
    changes = ["optimizer=sgd", "batch_size=32", "learning_rate=0.2"]
    run = train(folder, tmp_path, notes.append, set=changes)
    assert sizes == [(32, 0.2), (16, pytest.approx(0.1)), (8, pytest.approx(0.05))]
    said = [event.text for event in notes if isinstance(event, Note) and "memory" in event.text]
    assert said[0] == "out of memory with batches of 32 pictures: trying 16, with a learning rate of 0.1"
    assert RunFolder(run.path).read()["recipe"]["batch_size"] == 8

    def never(*arguments):
        raise MemoryError

    monkeypatch.setattr(training, "train_network", never)
    with pytest.raises(TrainingError, match="out of memory with batches of 4 pictures"):
        train(folder, tmp_path, set=["batch_size=8"])


def test_a_nearly_full_disk_is_refused_before_anything_is_read(tmp_path, monkeypatch):
    class Usage:
        free = 1_000_000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(UsageError, match="a training writes at least 33,554,432 bytes, and 1,000,000 are free"):
        train(tmp_path / "not-even-there", tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_deterministic_and_minutes_contradict(folder, tmp_path):
    with pytest.raises(UsageError, match="deterministic and minutes = 1"):
        train(folder, tmp_path, epochs=None, minutes=1, deterministic=True)


def test_what_was_never_a_training_leaves_no_folder(tmp_path):
    with pytest.raises(DataError):
        train(make_collection(3), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_process_that_is_killed_goes_on_from_the_command_line(folder, tmp_path):
    """SIGKILL at the first checkpoint, again and again; `--resume auto` each time; the weights of an unbroken run."""
    command = [
        sys.executable, "-m", "tellapart", "train", str(folder), "--recipe", "quick", "--epochs", "3", "--seed", "4",
        "--set", "batch_size=8", "--save-every", "0", "--resume", "auto", "--deterministic", "--json",
    ]  # fmt: skip
    kills = 0
    while kills < 2:
        with subprocess.Popen(
            [*command, "--runs", str(tmp_path / "broken")], stderr=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            before = set(tmp_path.glob("broken/*/checkpoints/checkpoint-*"))
            while process.poll() is None and not set(tmp_path.glob("broken/*/checkpoints/checkpoint-*")) - before:
                time.sleep(0.005)  # a core less for the process otherwise
            assert process.poll() is None, process.stderr.read().decode()
            process.kill()
        kills += 1
    found = []
    for runs in ("broken", "whole"):
        done = subprocess.run([*command, "--runs", str(tmp_path / runs)], capture_output=True, check=True, text=True)
        found.append(tellapart.load(json.loads(done.stdout)["model"]))
    broken, whole = (model.network.get_weights() for model in found)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(broken, whole, strict=True))
    assert found[0].record.temperature == found[1].record.temperature


def test_a_run_of_the_automatic_recipe_under_a_name_of_ones_own_goes_on(tmp_path, monkeypatch):
    from tellapart.verbs import train as verb

    data = make_collection(60, splits=False)
    with monkeypatch.context() as patched, pytest.raises(Stopped):
        patched.setattr(verb, "measure", interrupted)
        tellapart.train(data, set=["name=mytry"], epochs=2, runs=tmp_path, on_event=silent)
    (folder,) = tmp_path.iterdir()
    assert folder.name == "stripes-mytry-001"
    run = tellapart.train(data, resume=folder, runs=tmp_path, on_event=silent)
    assert run.path == folder
    assert len(run.history) == 2


def interrupted(*_):
    raise KeyboardInterrupt


def test_numbers_of_numpy_among_the_changes(tmp_path):
    changes = {"batch_size": np.int64(8), "augmentation": {"crop": np.float64(0.25)}}
    run = train(make_collection(30), tmp_path, set=changes, epochs=1)
    assert RunFolder(run.path).read()["options"]["set"] == {"batch_size": 8, "augmentation": {"crop": 0.25}}

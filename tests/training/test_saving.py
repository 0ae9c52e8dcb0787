"""Broken off anywhere, a training goes on to the weights of one that never was."""

import os
import signal

import keras
import numpy as np
import pytest

from tellapart.data.feeding import Prepared
from tellapart.errors import CheckpointError, Stopped, TrainingError
from tellapart.images.preprocessing import Preparation
from tellapart.progress import Epoch, Note, silent
from tellapart.recipes.find import find_recipe
from tellapart.training import checkpoints
from tellapart.training.checkpoints import Checkpoints
from tellapart.training.identity import network_digest
from tellapart.training.plan import Plan
from tellapart.training.session import Session
from tellapart.training.snapshot import Snapshot
from tellapart.training.train import train_network
from tests.conftest import stripes
from tests.killing import KilledError, killed_after
from tests.small import SMALL


def prepared(count, seed=0, channels=1):
    pixels, labels = stripes(count, seed=seed)
    return Prepared(np.repeat(pixels, channels, axis=3), labels.astype(np.int64), np.arange(count))


def train(folder, on_event=silent, recipe=SMALL, channels=1, save_every=0, seed=5, **changes):
    folder.mkdir(exist_ok=True)
    found = find_recipe(recipe).changed({"epochs": 3, "batch_size": 8} | changes, "x")
    data, held = prepared(120, channels=channels), prepared(30, seed=9, channels=channels)
    colour = "rgb" if channels == 3 else "grey"
    preprocessing = Preparation(height=12, width=12, colour=colour)
    plan = Plan(found.for_data(120, data.pixels.shape[1:]), ("a", "b", "c"), preprocessing, seed, "float32")
    return train_network(plan, data, held, Session(folder, on_event, save_every=save_every))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The training of all default options that nothing interrupts."""
    return train(tmp_path_factory.mktemp("whole") / "a", save_every=60)


@pytest.fixture(scope="module")
def longer(tmp_path_factory):
    """The same with an epoch more."""
    return train(tmp_path_factory.mktemp("longer") / "a", save_every=60, epochs=4)


def same(one, other):
    assert one.best_epoch == other.best_epoch
    for mine, theirs in zip(one.network.get_weights(), other.network.get_weights(), strict=True):
        assert mine.tobytes() == theirs.tobytes()
    for row, wanted in zip(one.history, other.history, strict=True):
        for name in set(wanted) - {"seconds"}:  # figures of a broken epoch are put together from two parts
            assert row[name] == pytest.approx(wanted[name], rel=1e-5)


EVERYTHING = {
    "flip": "alternate", "zoom": 0.1, "shear": 0.1, "rotation": 0.05, "shift": 0.1, "crop": 0.2, "brightness": 0.1,
    "contrast": 0.1, "colour": 0.1, "cutout": 0.2, "mixup": 0.5, "cutmix": 0.5,
}  # fmt: skip

CASES = {
    "quick": {"recipe": "quick", "augmentation": {"flip": "alternate", "shift": 0.1, "cutout": 0.3}},
    "growing": {"grow": 0.5, "epochs": 4},
    "averaged": {"average": 0.9, "grow": 0.5, "epochs": 4, "schedule": "constant"},
    "augmented": {"augmentation": EVERYTHING, "dropout": 0.3, "channels": 3, "balance": 0.5},
    "randaugment": {"augmentation": {"randaugment": 0.5}, "channels": 3},
    "adam": {"recipe": "digits-2conv", "dropout": 0.4},
}


@pytest.mark.parametrize("case", CASES)
def test_a_training_killed_again_and_again_ends_with_the_same_weights(tmp_path, monkeypatch, case):
    whole = train(tmp_path / "whole", save_every=60, **CASES[case])
    for writes in (1, 2, 2) if case == "quick" else (1, 3):
        with monkeypatch.context() as patch, pytest.raises(KilledError):
            killed_after(patch, writes)
            train(tmp_path / "broken", **CASES[case])
    same(train(tmp_path / "broken", **CASES[case]), whole)


def test_a_training_that_ended_is_not_trained_again(tmp_path, monkeypatch):
    whole = train(tmp_path / "a")
    events = []
    again = train(tmp_path / "a", events.append)
    same(again, whole)
    assert again.seconds == pytest.approx(whole.seconds, abs=0.5)
    assert not [event for event in events if isinstance(event, Epoch)]


def test_a_damaged_checkpoint_is_said_and_passed_over(tmp_path, monkeypatch, whole):
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, 3)
        train(tmp_path / "a")
    newest = sorted((tmp_path / "a" / "checkpoints").iterdir())[-1]
    data = bytearray((newest / "arrays.npz").read_bytes())
    data[len(data) // 2] ^= 1
    (newest / "arrays.npz").write_bytes(data)
    events = []
    same(train(tmp_path / "a", events.append), whole)
    warning = next(event.text for event in events if isinstance(event, Note))
    assert warning.startswith(f"WARNING: damaged checkpoints ({newest.name}: arrays.npz is damaged)")


def test_with_every_checkpoint_damaged_it_does_not_begin_anew(tmp_path):
    train(tmp_path / "a")
    for path in (tmp_path / "a" / "checkpoints").glob("*/manifest.json"):
        path.write_text("{}")
    with pytest.raises(CheckpointError, match="all of 2 checkpoints are damaged"):
        train(tmp_path / "a")


def test_another_training_does_not_go_on_from_it(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, 2)
        train(tmp_path / "a")
    with pytest.raises(CheckpointError, match=r"belongs to another training \(seed was 5 and is 6\)"):
        train(tmp_path / "a", seed=6)
    with pytest.raises(CheckpointError, match=r"another training \(recipe was"):
        train(tmp_path / "a", learning_rate=0.1)


def test_the_best_is_not_replaced_by_a_worse(tmp_path, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, 8)
        train(tmp_path / "a", epochs=6)
    kept = Checkpoints(tmp_path / "a" / "checkpoints").newest(pytest.fail)
    values = [(row["val_accuracy"], -row["val_loss"]) for row in kept.values["history"]]
    assert kept.values["best_epoch"] == values.index(max(values)) + 1
    trained = train(tmp_path / "a", epochs=6)
    values = [(row["val_accuracy"], -row["val_loss"]) for row in trained.history]
    assert trained.best_epoch == values.index(max(values)) + 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_asked_to_stop_it_keeps_what_it_has_and_says_how_to_go_on(tmp_path, monkeypatch, number, longer):

    def stop(event):
        if isinstance(event, Epoch) and event.number == 2:
            os.kill(os.getpid(), number)

    handler = signal.signal(number, signal.default_int_handler)  # a shell lets its background jobs ignore Ctrl-C
    before = signal.getsignal(number)
    with pytest.raises(Stopped, match=f"stopped by {signal.Signals(number).name} after 2 epochs") as caught:
        train(tmp_path / "a", stop, save_every=60, epochs=4)
    assert caught.value.exit_code == 128 + number
    assert caught.value.action == f"resume it with 'tellapart train --resume {tmp_path / 'a'}'"
    assert signal.getsignal(number) is before
    signal.signal(number, handler)
    same(train(tmp_path / "a", save_every=60, epochs=4), longer)


def test_stopped_where_nothing_more_can_be_kept_it_says_what_is(tmp_path, monkeypatch):
    """The disk fills up in the second epoch, and then the training is asked to stop."""
    real = Checkpoints.write

    def full(self, checkpoint):
        if checkpoint.values["epoch"] > 1:
            raise CheckpointError("the disk is full", "room", "free some")
        real(self, checkpoint)

    monkeypatch.setattr(Checkpoints, "write", full)
    notes = []

    def stop(event):
        notes.append(event)
        if isinstance(event, Epoch) and event.number == 3:
            os.kill(os.getpid(), signal.SIGTERM)

    handler = signal.signal(signal.SIGTERM, signal.default_int_handler)
    with pytest.raises(Stopped) as caught:
        train(tmp_path / "a", stop, save_every=0, epochs=5)
    signal.signal(signal.SIGTERM, handler)
    assert "the newest checkpoint is after " in caught.value.expected
    assert " of epoch 2" in caught.value.expected
    assert notes[-1].text == "WARNING: the disk is full"


def test_a_signal_that_is_ignored_stays_ignored(tmp_path):
    def stop(event):
        if isinstance(event, Epoch) and event.number == 2:
            os.kill(os.getpid(), signal.SIGINT)

    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert len(train(tmp_path / "a", stop, save_every=60).history) == 3
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, handler)


def test_no_room_for_a_checkpoint_is_said_and_does_not_end_the_training(tmp_path, monkeypatch, whole):
    real, count = checkpoints._write, [0]

    def write(folder, checkpoint):
        real(folder, checkpoint)
        count[0] += 1
        if count[0] in (2, 3):
            raise OSError(28, "No space left on device", str(folder))

    monkeypatch.setattr(checkpoints, "_write", write)
    events = []
    same(train(tmp_path / "a", events.append), whole)
    said = [event.text for event in events if isinstance(event, Note)]
    assert len(said) == 2
    assert "cannot be written (No space left on device); checkpoint-0001 is undamaged; training continues" in said[0]
    assert not list((tmp_path / "a" / "checkpoints").glob(".*"))


def test_weights_that_are_no_numbers_are_never_kept(tmp_path, monkeypatch):
    real = Snapshot.capture

    def spoiled(self, state):
        if state.epoch == 1:
            self.variables["network"][0].assign(np.full(self.variables["network"][0].shape, np.nan))
        return real(self, state)

    monkeypatch.setattr(Snapshot, "capture", spoiled)
    with pytest.raises(TrainingError, match=r"epoch 2: .* of the network is not finite"):
        train(tmp_path / "a")
    kept = Checkpoints(tmp_path / "a" / "checkpoints").newest(pytest.fail)
    assert all(np.isfinite(array).all() for array in kept.arrays.values())


def test_a_full_disk_is_met_before_the_training(tmp_path, monkeypatch):
    class Usage:
        free = 1_000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(CheckpointError, match=r"this training writes up to [\d,]+ bytes, and 1,000 are free"):
        train(tmp_path / "a")


def test_a_network_is_known_by_its_wiring_and_not_by_its_names():
    def network(second):
        inputs = keras.Input((4, 4, 3))
        a = keras.layers.Conv2D(3, 1)(inputs)
        b = keras.layers.Conv2D(3, 1)(a)
        x = keras.layers.Add()([b, a if second else inputs])
        return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x)))

    assert network_digest(network(True)) == network_digest(network(True))
    assert network_digest(network(True)) != network_digest(network(False))


def test_a_network_is_known_where_a_layer_is_called_as_an_activation_is():
    def network():
        inputs = keras.Input((4, 4, 3))
        x = keras.layers.Conv2D(3, 1, activation="elu")(keras.layers.ELU()(inputs))
        return keras.Model(inputs, keras.layers.Dense(2, activation="softmax")(keras.layers.Flatten()(x)))

    keras.backend.clear_session()  # the first of its kind bears the plain name
    assert len({network_digest(network()) for _ in range(3)}) == 1

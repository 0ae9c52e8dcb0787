"""Early stopping, and the note about a training that does not improve."""

import math

import pytest

from tellapart.progress import Epoch, Note
from tellapart.training import patience
from tellapart.training.patience import out_of_patience, waited
from tellapart.training.state import State
from tests.killing import KilledError, killed_after
from tests.small_training import train

STUCK = {"learning_rate": 1e-9, "schedule": "constant", "average": 0.0, "warmup": 0.0}
"""A learning rate at which nothing improves after the first epoch or two."""


def test_epochs_since_the_best_one_are_counted():
    state = State()
    assert waited(state) == 0
    state.history, state.best, state.best_epoch = [{"epoch": k} for k in range(1, 6)], (0.5, -1.0), 2
    assert waited(state) == 3
    assert out_of_patience(3, state)
    assert not out_of_patience(4, state)
    assert not out_of_patience(None, state)
    state.forget_best()
    assert state.best[0] == -math.inf
    assert waited(state) == 0, "the next epoch will be the best of its phase"


def test_a_training_that_does_not_improve_stops_early(tmp_path):
    events = []
    trained = train(tmp_path / "a", events.append, epochs=40, patience=2, **STUCK)
    assert len(trained.history) == trained.best_epoch + 2
    (note,) = [event for event in events if isinstance(event, Note) and event.warning]
    assert note.text.startswith(f"stopped early: no improvement in 2 epochs; best: epoch {trained.best_epoch}, ")
    assert note.text.endswith("; --patience 2")
    assert [event.best for event in events if isinstance(event, Epoch)][-1] == trained.best_epoch


def test_a_killed_training_stops_at_the_same_epoch(tmp_path, monkeypatch):
    whole = train(tmp_path / "whole", epochs=40, patience=2, **STUCK)
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, 1)
        train(tmp_path / "a", epochs=40, patience=2, **STUCK)
    assert len(train(tmp_path / "a", epochs=40, patience=2, **STUCK).history) == len(whole.history)


def test_without_patience_a_long_wait_is_noted_once(tmp_path, monkeypatch):
    monkeypatch.setattr(patience, "LONG", 2)
    events = []
    assert len(train(tmp_path / "a", events.append, epochs=6, **STUCK).history) == 6
    (note,) = [event.text for event in events if isinstance(event, Note) and event.warning]
    assert note.startswith("note: no improvement in 2 epochs; best: epoch ")


def test_compiling_is_counted_apart_from_the_first_epoch(tmp_path):
    events = []
    train(tmp_path / "a", events.append, epochs=2)
    first, second = (event for event in events if isinstance(event, Epoch))
    assert 0 < first.compiling <= first.metrics["seconds"] + 0.1
    assert second.compiling == 0

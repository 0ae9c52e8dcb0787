"""Cancelling a job from another thread: it ends like Ctrl-C, and a training can be resumed."""

import threading

import pytest

import tellapart
from tellapart.cancel import Cancellation
from tellapart.errors import Stopped
from tellapart.progress import Epoch, Note, silent
from tests.conftest import make_collection, write_folder
from tests.resuming import metrics


def test_a_listener_raises_at_the_first_event_after_the_request():
    cancellation, events = Cancellation(), []
    listener = cancellation.listener(events.append)
    listener(Note("before"))
    cancellation.cancel()
    assert cancellation.requested
    with pytest.raises(Stopped, match="cancelled"):
        listener(Note("after"))
    assert [event.text for event in events] == ["before", "after"]


def test_deferred_events_do_not_raise():
    cancellation = Cancellation()
    listener = cancellation.listener(silent)
    cancellation.cancel()
    with cancellation.deferred():
        listener(Note("saving"))
    with pytest.raises(Stopped):
        listener(Note("after"))


def test_a_training_in_another_thread_is_watched_cancelled_and_resumed(tmp_path):
    folder = write_folder(tmp_path / "stripes", 60)
    options = {"recipe": "quick", "epochs": 4, "seed": 4, "set": ["batch_size=8"], "save_every": 60}
    whole = tellapart.train(folder, runs=tmp_path / "whole", on_event=silent, **options)
    cancellation, outcome = Cancellation(), []

    def watch(event):
        if isinstance(event, Epoch) and event.number == 2:
            cancellation.cancel()

    def work():
        try:
            tellapart.train(folder, runs=tmp_path / "runs", on_event=watch, cancellation=cancellation, **options)
        except Stopped as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(120)
    (error,) = outcome
    (path,) = (tmp_path / "runs").iterdir()
    assert error.given.startswith(f"{path}: cancelled after 2 epochs")
    assert error.expected == "everything up to here is saved"
    assert error.action == f"resume it with 'tellapart train --resume {path}'"
    resumed = tellapart.train(resume=path, on_event=silent)
    assert len(resumed.history) == 4
    assert metrics(resumed) == metrics(whole)


def test_a_training_that_is_cancelled_while_it_reads_leaves_no_folder(tmp_path):
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Stopped, match="cancelled"):
        tellapart.train(make_collection(60), runs=tmp_path / "runs", on_event=silent, cancellation=cancellation)
    assert not (tmp_path / "runs").exists()


def test_any_verb_can_be_cancelled(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cancellation = Cancellation()
    cancellation.cancel()
    with pytest.raises(Stopped, match="cancelled"):
        tellapart.check(make_collection(60), skip_labels=True, on_event=silent, cancellation=cancellation)

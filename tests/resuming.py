"""Short trainings through the front door, and ones that die right after a checkpoint."""

import pytest

import tellapart
from tellapart.progress import silent
from tests.killing import KilledError, killed_after


def train(folder, runs, on_event=silent, **options):
    asked = {"recipe": "dense", "epochs": 3, "seed": 4, "save_every": 0, "set": ["batch_size=8"]} | options
    return tellapart.train(folder, runs=runs, on_event=on_event, **asked)


def broken(monkeypatch, writes, *arguments, **options):
    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, writes)
        train(*arguments, **options)


def metrics(run):
    return {split: (found.accuracy, found.loss) for split, found in run.evaluations.items()}

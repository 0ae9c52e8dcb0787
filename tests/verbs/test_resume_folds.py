"""Cross-validations that are interrupted: finished folds are kept, and the others are trained."""

import json

import numpy as np
import pytest

import tellapart
from tellapart.errors import (
    OutOfMemoryError,
    RecipeError,
)
from tellapart.progress import silent
from tellapart.training import train as training
from tellapart.verbs._interrupted import find_interrupted
from tellapart.verbs.train import Options
from tests.conftest import write_folder
from tests.killing import KilledError, killed_after
from tests.resuming import metrics, train

pytestmark = pytest.mark.usefixtures("sketched")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_folder(tmp_path_factory.mktemp("data") / "stripes", 60)


def test_folds_that_were_done_are_not_done_again(folder, tmp_path, monkeypatch):
    whole = train(folder, tmp_path / "whole", folds=3, recipe="dense")
    asked = []
    real = training.train_network

    def dying(plan, train, *rest):
        asked.append(len(train))
        if len(asked) == 3:
            raise KilledError
        return real(plan, train, *rest)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(training, "train_network", dying)
        train(folder, tmp_path / "runs", folds=3, recipe="dense")
    (path,) = (tmp_path / "runs").iterdir()
    assert sorted(p.name for p in (path / "folds").glob("*.npz")) == ["fold-1.npz", "fold-2.npz"]
    assert find_interrupted(Options(resume=path), silent).progress() == "2 of 3 folds done"
    with monkeypatch.context() as patch:
        asked[:] = [0] * 10
        patch.setattr(training, "train_network", dying)
        run = tellapart.train(resume=path, on_event=silent)
    assert len(asked) == 12  # the third fold, and the one on all
    assert metrics(run) == metrics(whole)
    assert np.array_equal(
        run.evaluations["cross_validation"].probabilities, whole.evaluations["cross_validation"].probabilities
    )
    assert not (path / "folds").exists()


def test_folds_of_another_network_are_done_again(tmp_path, monkeypatch):
    """The network of a recipe of one's own is changed, and no field of it, between two folds and the others."""
    data = write_folder(tmp_path / "stripes", 60)
    recipe = tmp_path / "mine.py"
    recipe.write_text(OWN.format(units=8))
    real, asked = training.train_network, []

    def dying(*arguments):
        asked.append(0)
        if len(asked) == 2:
            raise KilledError
        return real(*arguments)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(training, "train_network", dying)
        train(data, tmp_path / "runs", folds=3, recipe=recipe, set=[])
    recipe.write_text(OWN.format(units=9))
    (path,) = (tmp_path / "runs").iterdir()
    asked[:] = [0] * 10
    with monkeypatch.context() as patch:
        patch.setattr(training, "train_network", dying)
        tellapart.train(resume=path, on_event=silent)
    assert len(asked) == 14  # all three folds, and the one on all


OWN = """
import keras

def network(shape, classes):
    layers = [keras.Input(shape), keras.layers.Rescaling(1 / 255), keras.layers.Flatten()]
    return keras.Sequential([*layers, keras.layers.Dense({units}), keras.layers.Dense(classes, activation="softmax")])
"""


def test_wrong_input_that_shows_late_leaves_no_folder_with_folds_either(folder, tmp_path):
    with pytest.raises(RecipeError, match="does not take pictures of"):
        train(folder, tmp_path / "runs", folds=3, recipe="dense", set=["grow=0.5"])
    assert not list((tmp_path / "runs").iterdir())


def test_a_fold_for_which_memory_did_not_suffice_goes_on_with_smaller_batches(folder, tmp_path, monkeypatch):
    real, sizes = training.train_network, []

    def short(plan, *rest):
        recipe = plan.recipe
        sizes.append((recipe.batch_size, recipe.learning_rate))
        if recipe.batch_size > 8:
            raise MemoryError
        return real(plan, *rest)

    with monkeypatch.context() as patch, pytest.raises(KilledError):
        killed_after(patch, 2)
        patch.setattr(training, "train_network", short)
        train(folder, tmp_path, folds=2, recipe="dense", set=["batch_size=16", "learning_rate=0.25"])
    (path,) = tmp_path.iterdir()
    smaller = json.loads((path / "folds" / "fold-1" / "smaller.json").read_text())
    assert smaller["batch_size"] == 8 and sizes == [(16, 0.25), (8, smaller["learning_rate"])]
    sizes.clear()
    with monkeypatch.context() as patch:
        patch.setattr(training, "train_network", short)
        tellapart.train(resume=path, on_event=silent)
    assert [size for size, _ in sizes] == [8, 16, 8, 16, 8]  # the first fold, the second, and the one on all

    def never(*arguments):
        raise MemoryError

    monkeypatch.setattr(training, "train_network", never)
    with pytest.raises(OutOfMemoryError, match="fold 1, out of memory") as caught:
        train(folder, tmp_path, folds=2, recipe="dense")
    assert "end other programs" in caught.value.action

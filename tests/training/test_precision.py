import json
import re

import keras
import numpy as np
import pytest

import tellapart
from tellapart.progress import silent
from tellapart.recipes.find import find_recipe
from tellapart.training import precision
from tellapart.training.precision import choose_precision, set_precision
from tests.conftest import make_collection

LENET = find_recipe("lenet").recipe.model_copy(update={"batch_size": 8})
SHAPE = (28, 28, 1)


def chosen(asked="auto", pictures=1e9, recipe=LENET):
    return choose_precision(asked, recipe, pictures, SHAPE, 10)


@pytest.fixture
def able(monkeypatch, tmp_path):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path))
    monkeypatch.setattr(precision, "_may_have_bfloat16", lambda: True)


def test_short_trainings_and_wishes_need_no_measuring(able, monkeypatch):
    monkeypatch.setattr(precision, "_measured_gain", lambda *_: pytest.fail("measured"))
    assert chosen(pictures=1000) == ("float32", "a short training")
    assert chosen("bfloat16", 1000) == ("bfloat16", "as requested")
    monkeypatch.setattr(precision, "_may_have_bfloat16", lambda: False)
    assert chosen() == ("float32", "the processor has no bfloat16")


@pytest.mark.parametrize(("gain", "name"), ((1.8, "bfloat16"), (1.05, "float32"), (0.4, "float32")))
def test_it_is_measured_once_for_each_network_and_remembered(able, gain, name, monkeypatch, tmp_path):
    monkeypatch.setattr(precision, "_measured_gain", lambda *_: gain)
    assert chosen(pictures=20_000) == ("float32", "a short training")
    words = f"measured on this machine: a step in bfloat16 is {gain:.1f} times as fast"
    assert chosen() == (name, words)
    monkeypatch.setattr(precision, "_measured_gain", lambda *_: pytest.fail("measured again"))
    assert chosen() == (name, words)
    assert chosen(pictures=20_000) == (name, words)  # what is known costs nothing
    assert list(json.loads((tmp_path / "measured.json").read_text()).values()) == [gain]
    monkeypatch.setattr(precision, "_measured_gain", lambda *_: 2.0)
    assert chosen(recipe=find_recipe("dense").recipe)[0] == "bfloat16"
    assert chosen(recipe=LENET.model_copy(update={"batch_size": 16}))[0] == "bfloat16"


def test_the_measurement_measures(able):
    name, reason = chosen()
    assert name in ("float32", "bfloat16")
    assert 0.05 < float(re.search(r"is ([\d.]+) times", reason)[1]) < 50


def test_weights_rescaling_and_head_stay_exact():
    network = find_recipe("lenet").recipe.network((28, 28, 1), 10)
    pixels = np.random.default_rng(0).integers(0, 256, (8, 28, 28, 1)).astype(np.float32)
    exact = np.asarray(network(pixels))
    set_precision(network, "bfloat16")
    rough = network(pixels)
    assert keras.backend.standardize_dtype(rough.dtype) == "float32"
    assert {layer.compute_dtype for layer in network.layers if isinstance(layer, keras.layers.Conv2D)} == {"bfloat16"}
    assert network.layers[0].compute_dtype == network.layers[-1].compute_dtype == "float32"
    assert {keras.backend.standardize_dtype(w.dtype) for w in network.weights} == {"float32"}
    assert 0 < np.abs(np.asarray(rough) - exact).max() < 0.05
    set_precision(network, "float32")
    assert np.array_equal(np.asarray(network(pixels)), exact)


def test_what_is_saved_is_float32_whatever_the_training(tmp_path):
    run = tellapart.train(
        make_collection(120, splits=False), epochs=3, precision="bfloat16", runs=tmp_path, on_event=silent
    )
    stock = keras.saving.load_model(run.model_path)
    assert {layer.dtype_policy.name for layer in stock.layers} == {"float32"}
    assert run.evaluations["validation"].count == 10
    assert json.loads((run.path / "run.json").read_text())["precision"] == "bfloat16"


def test_too_little_memory_for_measuring_ends_nothing(able, monkeypatch):
    def fails(*_):
        raise RuntimeError("OOM when allocating tensor with shape[32,64] on CPU")

    monkeypatch.setattr(precision, "_measured_gain", fails)
    assert chosen() == ("float32", "not measured: a batch does not fit in memory")
    monkeypatch.setattr(precision, "_measured_gain", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        chosen()

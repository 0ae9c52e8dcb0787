"""Every library recipe, met by one suite: its card, its network, a short training, its model file."""

import zipfile

import keras
import numpy as np
import pytest

import tellapart
from tellapart.classifier.calibration import tempered
from tellapart.progress import silent
from tellapart.recipes import find
from tellapart.recipes.build import build_network
from tests.conftest import make_collection

pytestmark = pytest.mark.usefixtures("sketched")


def shape_of(recipe):
    return recipe.height or 12, recipe.width or 12, 3 if recipe.colour == "rgb" else 1


@pytest.mark.parametrize("name", find.names())
def test_the_card(name):
    first = find.card(name).split("\n")[0]
    assert first.startswith(f"{name} - ")
    assert find.find_recipe(name).recipe.name == name


@pytest.mark.parametrize("name", find.names())
def test_the_network(name):
    recipe = find.find_recipe(name).recipe
    network = build_network(recipe, shape_of(recipe), 2)
    assert isinstance(network.layers[0], keras.layers.InputLayer | keras.layers.Rescaling)
    first = [layer for layer in network.layers if not isinstance(layer, keras.layers.Concatenate)][:2]  # grey to RGB
    assert any(isinstance(layer, keras.layers.Rescaling) for layer in first)
    pixels = np.random.default_rng(1).integers(0, 256, (5, *shape_of(recipe)), np.uint8)
    outputs = keras.ops.convert_to_numpy(network(pixels.astype("float32")))
    assert outputs.shape in ((5, 2), (5, 1))


@pytest.mark.parametrize("name", find.names())
def test_training_and_the_file(name, tmp_path):
    """Stock Keras and ONNX Runtime give the same answers from the file of a training."""
    collection = make_collection(60, splits=False, size=16, channels=3)
    two = collection.labels < 2
    pixels = collection.pictures.array[two]
    labels = np.array(["across", "down"])[collection.labels[two]]
    run = tellapart.train((pixels, labels), recipe=name, epochs=2, runs=tmp_path, on_event=silent)
    assert run.evaluations["test"].count == 8
    stock = keras.saving.load_model(run.model_path)
    prepared = np.stack([run.model.preprocessing(picture) for picture in pixels])
    expected = stock.predict(prepared, verbose=0)
    if expected.shape[1] == 1:
        expected = np.hstack([1 - expected, expected])
    got = tellapart.load(run.model_path).with_views("none").probabilities(prepared)
    assert np.abs(got - tempered(expected, run.model.record.temperature)).max() <= 1e-4
    assert all(variable.dtype == "float32" for variable in stock.weights)
    assert not any("random" in layer.name for layer in stock.layers)
    assert set(zipfile.ZipFile(run.model_path).namelist()) == {
        "metadata.json",
        "config.json",
        "model.weights.h5",
        "tellapart.json",
        "model.onnx",
        "ood.npz",
    }

"""Every backbone, met by one suite: its card, its network, its weights, its Keras file, its ONNX copy."""

import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import onnxruntime
import pytest

from tellapart.classifier.onnx_copy import make_onnx_copy
from tellapart.networks import backbones
from tellapart.networks.description import read_description
from tests.networks.backbones import layouts

SIDE = 64
BLOCK = re.compile(r"stem|block\d+|head")


@cache
def network_of(name):
    """A backbone's network for colour, with random weights."""
    module = backbones.load(name)
    network = module.network((SIDE, SIDE, 3))
    layouts.place(network, module.layer_weights(layouts.example(name)))
    layouts.calibrate(network, pictures())
    return network


def features(network, pixels):
    return keras.ops.convert_to_numpy(network(pixels, training=False))


def pictures(channels=3):
    return np.random.default_rng(1).integers(0, 256, (8, SIDE, SIDE, channels)).astype("float32")


def smallest_of_each_kind():
    """Of the backbones that share a helper, the smallest: writing files, above all ONNX copies, takes seconds."""
    smallest = {}
    for name in sorted(backbones.names(), key=lambda name: -backbones.load(name).BACKBONE.parameters):
        source = Path(backbones.load(name).__file__).read_text(encoding="utf-8")
        smallest[re.findall(r"backbones\.(_\w+) import", source)[-1]] = name
    return sorted(smallest.values())


def small():
    """Those of them whose ONNX copy is written in less than half a minute on a busy machine."""
    return [name for name in smallest_of_each_kind() if backbones.load(name).BACKBONE.parameters < 10_000_000]


@pytest.mark.parametrize("name", backbones.names())
def test_the_card(name):
    backbone = backbones.load(name).BACKBONE
    assert backbones.card(name).split("\n")[0].startswith(f"{name} - ")
    assert backbone.licence in backbones.card(name)
    assert f"{100 * backbone.accuracy:.1f} %" in backbones.card(name)
    assert list(backbone.sides) == sorted(set(backbone.sides))
    assert backbone.side in backbone.sides
    assert min(backbone.sides) >= 32


@pytest.mark.parametrize("name", backbones.names())
def test_the_files(name):
    files = backbones.load(name).BACKBONE.files
    assert len({file.name for file in files}) == len(files) > 0
    for file in files:
        assert file.package or file.keras or file.torch or file.hub or file.sha256
        assert re.fullmatch(r"|[0-9a-f]{8,64}", file.sha256)
        assert re.fullmatch(r"|[0-9a-f]{32}", file.md5)
        assert all(url.startswith("https://") and url.endswith(file.name) for url in file.urls)


@pytest.mark.parametrize("name", backbones.names())
def test_the_network(name):
    backbone, network = backbones.load(name).BACKBONE, network_of(name)
    assert network.output_shape == (None, backbone.features)
    assert network.count_params() == backbone.parameters
    read_description(network.to_json())
    names = [layer.name for layer in network.layers if not isinstance(layer, keras.layers.InputLayer)]
    assert all(BLOCK.fullmatch(backbones.block_of(layer)) for layer in names)
    blocks = list(dict.fromkeys(backbones.block_of(layer) for layer in names))
    assert blocks == ["stem", *(f"block{number}" for number in range(len(blocks) - 2)), "head"]
    got = features(network, pictures())
    assert np.isfinite(got).all()
    assert got.std(axis=0).mean() > 1e-2


@pytest.mark.parametrize("name", backbones.names())
def test_grey_pictures(name):
    """A grey picture gives the features of the same picture in colour."""
    module = backbones.load(name)
    grey = module.network((SIDE, SIDE, 1))
    read_description(grey.to_json())
    layouts.place(grey, {layer.name: layer.get_weights() for layer in network_of(name).layers if layer.weights})
    expected = features(network_of(name), np.repeat(pictures(1), 3, axis=3))
    assert np.abs(features(grey, pictures(1)) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("name", smallest_of_each_kind())
def test_sizes(name):
    module = backbones.load(name)
    for side in (32, 33, 256):
        assert module.network((side, side, 3)).output_shape == (None, module.BACKBONE.features)


@pytest.mark.parametrize("name", backbones.names())
def test_a_missing_array(name):
    arrays = layouts.example(name)
    del arrays[next(iter(arrays))]
    with pytest.raises(KeyError):
        backbones.load(name).layer_weights(arrays)


@pytest.mark.parametrize("name", smallest_of_each_kind())
def test_the_file_opens_in_stock_keras(name, tmp_path):
    network_of(name).save(tmp_path / "network.keras")
    opened = keras.saving.load_model(tmp_path / "network.keras", compile=False)
    assert np.array_equal(features(opened, pictures()), features(network_of(name), pictures()))


@pytest.mark.parametrize("name", small())
def test_the_onnx_copy(name):
    session = onnxruntime.InferenceSession(make_onnx_copy(network_of(name)))
    got = session.run(None, {session.get_inputs()[0].name: pictures()})[0]
    expected = features(network_of(name), pictures())
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()


def test_listing_does_not_start_keras():
    code = (
        "import sys; from tellapart.networks import backbones;"
        "[backbones.load(name) for name in backbones.names()]; sys.exit('keras' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

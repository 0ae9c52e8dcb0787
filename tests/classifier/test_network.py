import json

import keras
import numpy as np
import pytest

from tellapart.classifier.network import describe_layers, from_members, outputs_of, to_members
from tellapart.errors import ModelFileError


def small():
    keras.utils.set_random_seed(1)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.Conv2D(3, 3, activation="gelu"),
            keras.layers.Flatten(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )


def test_it_is_rebuilt_exactly():
    network = small()
    pixels = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 1), np.uint8)
    again = from_members(to_members(network))
    assert np.array_equal(outputs_of(again, pixels), outputs_of(network, pixels))
    assert describe_layers(again) == describe_layers(network)
    assert sum(layer.parameters for layer in describe_layers(network)) == network.count_params()


@pytest.mark.parametrize("module, name", (("os", "system"), ("keras.layers", "Lambda"), ("keras.layers", "TFSMLayer")))
def test_other_objects_are_refused_before_anything_is_built(module, name):
    config = {
        "class_name": "Sequential",
        "module": "keras",
        "config": {"layers": [{"class_name": name, "module": module}]},
    }
    with pytest.raises(ModelFileError, match=name):
        from_members({"config.json": json.dumps(config).encode(), "model.weights.h5": b""})

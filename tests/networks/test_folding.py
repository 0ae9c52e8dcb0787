import keras
import numpy as np
import pytest

from tellapart.networks.folding import folded


def with_statistics(network):
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 1.5, weight.shape) for weight in layer.get_weights()])
    return network


def difference(network):
    pixels = np.random.default_rng(1).uniform(0, 1, (3, 12, 12, 3)).astype(np.float32)
    before, after = (keras.ops.convert_to_numpy(one(pixels, training=False)) for one in (network, folded(network)))
    return np.abs(before - after).max()


def kinds(network):
    return [type(layer).__name__ for layer in network.layers]


@pytest.mark.parametrize(
    "convolution",
    [
        lambda: keras.layers.Conv2D(8, 3, use_bias=False),
        lambda: keras.layers.Conv2D(8, 3),
        lambda: keras.layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False),
    ],
)
def test_the_function_is_the_same_with_fewer_layers(convolution):
    inputs = keras.Input((12, 12, 3))
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(convolution()(inputs)))
    network = with_statistics(keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x)))
    assert difference(network) < 1e-5
    assert "BatchNormalization" not in kinds(folded(network))


def test_what_cannot_be_folded_stays():
    inputs = keras.Input((12, 12, 3))
    active = keras.layers.BatchNormalization()(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    plain = keras.layers.Conv2D(4, 3)(inputs)
    twice = keras.layers.Add()([plain, keras.layers.BatchNormalization()(plain)])
    first = keras.layers.BatchNormalization(center=False, scale=False)(keras.layers.Add()([active, twice]))
    network = with_statistics(keras.Model(inputs, first))
    assert difference(network) < 1e-5
    assert kinds(folded(network)).count("BatchNormalization") == 3

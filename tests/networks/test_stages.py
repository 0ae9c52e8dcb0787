import keras
import numpy as np
import pytest

from tellapart.networks.stages import WHITENING, first_weights, staged_network

PIXELS = np.random.default_rng(0).integers(0, 256, (50, 28, 28, 3), np.uint8)


def convolutions(network):
    return [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D) and layer.name != WHITENING]


def test_kernels_start_as_the_identity_on_the_channels_they_share():
    network = staged_network((28, 28, 3), 4, (16, 32))
    first_weights(network, PIXELS)
    first, second = convolutions(network)[:2]
    assert first.kernel.shape == (3, 3, 24, 16)
    features = np.random.default_rng(1).normal(size=(2, 6, 6, 24)).astype(np.float32)
    assert np.allclose(first(features), features[..., :16], atol=1e-6)
    assert np.allclose(second(features[..., :16]), features[..., :16], atol=1e-6)
    wider = convolutions(network)[2]
    assert np.allclose(np.asarray(wider(features[..., :16]))[..., :16], features[..., :16], atol=1e-6)
    assert np.asarray(wider.kernel)[..., 16:].std() > 0.01


def test_the_whitened_pixels_have_variance_one():
    network = staged_network((28, 28, 3), 4, (16, 32))
    first_weights(network, PIXELS)
    layer = network.get_layer(WHITENING)
    assert not layer.trainable
    kernel, bias = layer.get_weights()
    scaled = network.layers[1](PIXELS.astype(np.float32))
    whitened = np.asarray(keras.ops.conv(scaled, kernel, padding="valid")) + bias
    assert np.allclose(whitened.mean(axis=(0, 1, 2)), 0, atol=0.05)
    assert np.allclose(whitened.std(axis=(0, 1, 2)), 1, atol=0.05)


@pytest.mark.parametrize("side", (4, 8, 15, 16, 33, 64))
def test_any_size(side):
    assert staged_network((side, side, 1), 2, (16, 32, 64)).output_shape == (None, 2)


def test_large_pictures_are_halved_by_the_first_layer():
    small, large = staged_network((39, 39, 3), 2, (16,) * 4), staged_network((64, 64, 3), 2, (16,) * 4)
    assert small.get_layer(WHITENING).output.shape == (None, 38, 38, 24)
    assert large.get_layer(WHITENING).output.shape == (None, 31, 31, 48)
    first_weights(large, np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), np.uint8))
    assert len(convolutions(small)) == len(convolutions(large)) == 6

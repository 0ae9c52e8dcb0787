import keras
import numpy as np
import pytest

from tellapart.networks.backend import fused_batch_norm
from tellapart.training.faster import FusedBatchNormalization, PointwiseConv2D, restore, speed_up
from tellapart.training.precision import set_precision

pytestmark = pytest.mark.skipif(fused_batch_norm is None, reason="this backend fuses by itself")


def network(channels, **options):
    inputs = keras.Input((6, 6, channels))
    x = keras.layers.BatchNormalization(momentum=0.6, **options)(inputs)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


def stepped(model, pixels):
    """Outputs in training, those after it, gradients and running figures, all as NumPy."""
    import tensorflow as tf

    weights = [variable.value for variable in model.trainable_variables]
    with tf.GradientTape() as tape:
        outputs = model(pixels, training=True)
        loss = keras.ops.sum(outputs * keras.ops.arange(outputs.shape[1], dtype="float32") ** 2) + keras.ops.sum(
            outputs**3
        )
    gradients = tape.gradient(loss, weights)
    after = model(pixels, training=False)
    return [np.asarray(value) for value in (outputs, after, *gradients, *model.get_weights())]


@pytest.mark.parametrize("options", ({}, {"scale": False}, {"center": False}, {"scale": False, "center": False}))
@pytest.mark.parametrize("channels", (3, 16))
def test_it_computes_what_keras_does(channels, options):
    pixels = np.random.default_rng(0).normal(2, 3, (32, 6, 6, channels)).astype(np.float32)
    plain, fused = network(channels, **options), network(channels, **options)
    speed_up(fused)
    assert isinstance(fused.layers[1], FusedBatchNormalization)
    for expected, got in zip(stepped(plain, pixels), stepped(fused, pixels), strict=True):
        assert np.allclose(expected, got, rtol=2e-3, atol=3e-2)  # the running variance is that of a sample


@pytest.mark.parametrize("channels", (3, 16))
def test_in_bfloat16(channels):
    pixels = np.random.default_rng(0).normal(2, 3, (32, 6, 6, channels)).astype(np.float32)
    model = network(channels)
    exact = np.asarray(model(pixels, training=True))
    model = network(channels)
    set_precision(model, "bfloat16")
    model.layers[1].dtype_policy = "mixed_bfloat16"
    speed_up(model)
    got = model.layers[1](keras.ops.cast(pixels, "bfloat16"), training=True)
    assert keras.backend.standardize_dtype(got.dtype) == "bfloat16"
    assert np.allclose(np.asarray(keras.ops.cast(got, "float32")).mean(axis=(1, 2)), exact, atol=0.05)


def test_a_frozen_one_keeps_its_figures():
    model = network(4)
    speed_up(model)
    model.layers[1].trainable = False
    before = model.get_weights()
    model(np.ones((2, 6, 6, 4), np.float32), training=True)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_it_is_undone_and_leaves_others_alone():
    inner = network(4)
    inputs = keras.Input((6, 6, 4))
    model = keras.Model(inputs, keras.layers.BatchNormalization()(inner(inputs)))
    kinds = [type(layer) for layer in (inner.layers[1], model.layers[-1])]
    assert kinds == [keras.layers.BatchNormalization] * 2
    speed_up(model)
    assert [type(layer) for layer in (inner.layers[1], model.layers[-1])] == [
        FusedBatchNormalization,  # inside another model too
        keras.layers.BatchNormalization,  # of vectors, not of pictures
    ]
    restore(model)
    assert [type(layer) for layer in (inner.layers[1], model.layers[-1])] == kinds


def convolved(**options):
    inputs = keras.Input((6, 6, 8))
    x = keras.layers.Conv2D(5, **({"kernel_size": 1} | options))(inputs)
    return keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(x))


@pytest.mark.parametrize("options", ({}, {"use_bias": False}, {"padding": "same", "activation": "relu"}))
def test_a_convolution_of_single_pixels_computes_what_keras_does(options):
    pixels = np.random.default_rng(0).normal(0, 1, (4, 6, 6, 8)).astype(np.float32)
    plain, faster = convolved(**options), convolved(**options)
    faster.set_weights(plain.get_weights())
    speed_up(faster)
    assert type(faster.layers[1]) is PointwiseConv2D
    for expected, got in zip(stepped(plain, pixels), stepped(faster, pixels), strict=True):
        assert np.allclose(expected, got, rtol=1e-4, atol=1e-4)
    restore(faster)
    assert type(faster.layers[1]) is keras.layers.Conv2D


@pytest.mark.parametrize("options", ({"strides": 2}, {"kernel_size": 3}))
def test_other_convolutions_stay(options):
    model = convolved(**options)
    speed_up(model)
    assert type(model.layers[1]) is keras.layers.Conv2D

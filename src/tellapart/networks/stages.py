"""The network of the quick recipes (whitening, then stages of two convolutions) and its initial weights."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.whitening import whitening_filters

if TYPE_CHECKING:
    import keras

SCALE, OFFSET = 1 / 64, -2.0
"""Pixels are scaled to -2..2, the range that SOFTENING in networks/whitening.py is meant for."""

WHITENING = "whitening"


LARGE = 40
"""From this side length on, the first layer uses 3 x 3 patches and stride 2: a quarter of the work."""


def normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    """Batch normalisation and ReLU. The normalisation has no scale: kernels trained with Muon do not need it."""
    from tellapart.networks.backend import keras

    return keras.layers.Activation("relu")(keras.layers.BatchNormalization(momentum=0.6, scale=False)(x))


def convolution(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """A 3 x 3 convolution that keeps the size. It has no bias: the normalisation after it has one."""
    from tellapart.networks.backend import keras

    return keras.layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)


def staged_network(shape: tuple[int, int, int], classes: int, widths: tuple[int, ...]) -> keras.Model:
    """Rescaling, a frozen whitening of small patches, stages, global max-pooling, softmax.

    A stage is convolution, max-pooling, batch normalisation, ReLU, convolution, batch normalisation, ReLU. There are 2
    to 4 stages, depending on the size. `widths` are their filters, in multiples of 16, which fill a CPU's vector
    registers. Source: airbench94 (Jordan 2024, arXiv:2404.00498), with ReLU instead of GELU, which costs more on a CPU
    than the normalisation before it.
    """
    from tellapart.networks.backend import keras

    layers = keras.layers
    inputs = keras.Input(shape)
    x = layers.Rescaling(SCALE, offset=OFFSET)(inputs)
    large = min(shape[:2]) >= LARGE
    side = 3 if large else 2
    x = layers.Conv2D(
        8 * shape[2] * (side - 1),
        side,
        strides=side - 1,
        activation="relu",
        padding="valid" if min(shape[:2]) >= 16 else "same",  # larger pictures can spare the border
        trainable=False,
        name=WHITENING,
    )(x)
    stages = max(2, min(4, int(math.log2(min(shape[:2]) / (7 if large else 3.5)))))
    for filters in widths[:stages]:
        x = convolution(x, filters)
        if min(x.shape[1:3]) > 1:
            x = layers.MaxPooling2D()(x)
        x = normalised(x)
        x = normalised(convolution(x, filters))
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def first_weights(network: keras.Model, pixels: np.ndarray) -> None:
    """Set the initial weights: whitening from training pictures uint8 [n, *shape], and identities in 3 x 3 kernels.

    Each kernel passes through as many channels as its input and output have in common; other filters stay random.
    """
    from tellapart.networks.backend import keras

    for layer in network.layers:
        if layer.name == WHITENING:
            scaled = pixels * np.float32(SCALE) + np.float32(OFFSET)
            layer.set_weights(whitening_filters(scaled, layer.kernel_size[0], layer.filters))
        elif isinstance(layer, keras.layers.Conv2D):
            (kernel,) = layer.get_weights()
            passed = range(min(kernel.shape[2:]))
            kernel[:, :, :, passed] = 0
            kernel[1, 1, passed, passed] = 1
            layer.set_weights([kernel])

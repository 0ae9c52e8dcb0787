"""A classifier on a pretrained backbone: the backbone's layers, and one dense layer on its features."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tellapart.networks import backbones

if TYPE_CHECKING:
    import keras
    import numpy as np

HEAD = "head"
"""The name of the dense layer."""


def classifier_on(backbone: str, shape: tuple[int, int, int], classes: int, dropout: float = 0.0) -> keras.Model:
    """A network of the backbone of this name for pictures of `shape` (height, width, channels), with fresh weights.

    Its output is a softmax over the classes. Batch normalisation is folded into the convolutions: a collection that is
    small enough to need a backbone could only make its statistics worse, and a training step takes less time. Raises
    UsageError for a name that is not a backbone's.
    """
    from tellapart.networks.backend import keras
    from tellapart.networks.folding import folded

    base = folded(backbones.load(backbone).network(shape))
    x = base.output
    if dropout:
        x = keras.layers.Dropout(dropout)(x)
    return keras.Model(base.input, keras.layers.Dense(classes, activation="softmax", name=HEAD)(x))


def take_weights(network: keras.Model, base: keras.Model) -> None:
    """Give a network that `classifier_on` made the weights of its backbone, folded or not."""
    from tellapart.networks.folding import folded

    for layer in folded(base).layers:
        if layer.weights:
            network.get_layer(layer.name).set_weights(layer.get_weights())


def set_head(network: keras.Model, kernel: np.ndarray, bias: np.ndarray) -> None:
    """Set the weights of the dense layer: float32 [features, classes] and [classes]."""
    network.get_layer(HEAD).set_weights([kernel, bias])


def freeze_normalisation(network: keras.Model) -> None:
    """Let batch normalisation compute with the statistics it has, and not change them or its gains.

    Batches of a small collection would change them to worse ones. `trainable` decides that, not the way of the call.
    """
    from tellapart.networks.backend import keras

    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.trainable = False


def rates_by_block(network: keras.Model, decay: float) -> dict[str, float]:
    """The factor of the learning rate of each weight, by its path: `decay` for each block between it and the head."""
    layers = [layer for layer in network.layers if layer.weights and layer.name != HEAD]
    blocks = list(dict.fromkeys(backbones.block_of(layer.name) for layer in layers))
    return {
        weight.path: decay ** (len(blocks) - blocks.index(backbones.block_of(layer.name)))
        for layer in layers
        for weight in layer.weights
    }

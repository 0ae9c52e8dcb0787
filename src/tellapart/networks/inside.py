"""What is inside a Keras model: every layer, also of models within it, and all its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tellapart.networks.backend import keras


def give_weights(network: keras.Model, weights: list[np.ndarray]) -> None:
    """Set all weights of a network, and what its layers compute with in their place: Normalization's mean and variance
    are constants that Keras makes of its weights only when it adapts or loads them.
    """
    network.set_weights(weights)
    weights_changed(network)


def weights_changed(network: keras.Model) -> None:
    """See `give_weights`; for weights that were set one by one."""
    for layer in layers_of(network):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def at_a_time(network: keras.Model) -> int:
    """How many pictures a network may look at together where every layer's outputs are kept: half a GiB of them."""
    outputs = sum(math.prod(size or 1 for size in layer.output.shape[1:]) for layer in network.layers)
    return max(1, min(256, 2**27 // max(outputs, 1)))


def layers_of(network: keras.Model) -> list[keras.Layer]:
    """The layers that compute, in order: those of models inside the model in the models' place."""
    return [layer for layer in every_layer(network) if not isinstance(layer, keras.Model)]


def every_layer(layer: keras.Layer) -> Iterator[keras.Layer]:
    """The layer itself and, if it is a model, every layer inside it at any depth."""
    yield layer
    for inner in layer.layers if isinstance(layer, keras.Model) else ():
        yield from every_layer(inner)

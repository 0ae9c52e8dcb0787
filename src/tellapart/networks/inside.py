"""Walk a Keras model, including nested models, and set its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from tellapart.networks.backend import keras


def give_weights(network: keras.Model, weights: list[np.ndarray]) -> None:
    """Set all weights of a network and refresh the values that its layers derive from them.

    Keras derives the mean and variance that Normalization computes with only when it adapts or loads that layer.
    """
    network.set_weights(weights)
    weights_changed(network)


def weights_changed(network: keras.Model) -> None:
    """Refresh derived values after weights were set one by one; see `give_weights`."""
    for layer in layers_of(network):
        if hasattr(layer, "finalize_state"):
            layer.finalize_state()


def at_a_time(network: keras.Model) -> int:
    """Pictures in a batch for which the outputs of all layers take at most half a GiB; 1 to 256."""
    outputs = sum(math.prod(size or 1 for size in layer.output.shape[1:]) for layer in network.layers)
    return max(1, min(256, 2**27 // max(outputs, 1)))


def layers_of(network: keras.Model) -> list[keras.Layer]:
    """The layers that compute, in order; nested models are replaced by their layers."""
    return [layer for layer in every_layer(network) if not isinstance(layer, keras.Model)]


def every_layer(layer: keras.Layer) -> Iterator[keras.Layer]:
    """The layer itself and, if it is a model, every layer inside it at any depth."""
    yield layer
    for inner in layer.layers if isinstance(layer, keras.Model) else ():
        yield from every_layer(inner)

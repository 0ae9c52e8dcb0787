"""Fold batch normalisation into the convolution before it: the same function in fewer operations."""

from __future__ import annotations

from typing import Any

import numpy as np

from tellapart.networks.backend import keras


def folded(network: keras.Model) -> keras.Model:
    """A network with the same function, in which convolutions have a bias in place of the normalisation after them.

    That is exact as long as the statistics do not change, as in prediction and in training with frozen normalisation. A
    normalisation that does not follow a convolution directly stays. Layers keep their names.
    """
    pairs = dict(_pairs(network))
    gone = {layer.name for layer in pairs.values()}

    def changed(layer: keras.Layer) -> keras.Layer:
        config = layer.get_config()
        return type(layer).from_config(config | {"use_bias": True} if layer.name in pairs else config)

    def called(layer: keras.Layer, *inputs: Any, **options: Any) -> Any:
        options.pop("mask", None)
        return inputs[0] if layer.name in gone else layer(*inputs, **options)

    other = keras.models.clone_model(network, clone_function=changed, call_function=called)
    for layer in other.layers:
        if layer.name in pairs:
            layer.set_weights(_folded_weights(network.get_layer(layer.name), pairs[layer.name]))
        elif layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    return other


def _pairs(network: keras.Model) -> list[tuple[str, keras.layers.BatchNormalization]]:
    """The names of convolutions whose only use is a normalisation, and these normalisations."""
    found = []
    for layer in network.layers:
        if not isinstance(layer, keras.layers.BatchNormalization):
            continue
        before = layer.input._keras_history.operation
        linear = getattr(before, "activation", None) in (None, keras.activations.linear)
        if isinstance(before, keras.layers.Conv2D | keras.layers.DepthwiseConv2D) and linear and _used_once(before):
            found.append((before.name, layer))
    return found


def _used_once(layer: keras.Layer) -> bool:
    return len(layer._inbound_nodes) == 1 and len(layer._outbound_nodes) == 1


def _folded_weights(convolution: keras.Layer, normalisation: keras.layers.BatchNormalization) -> list[np.ndarray]:
    """The kernel and the bias of a convolution and the normalisation after it."""
    kernel, *bias = convolution.get_weights()
    scale = np.ones(normalisation.moving_mean.shape, np.float32)
    scale /= np.sqrt(keras.ops.convert_to_numpy(normalisation.moving_variance) + normalisation.epsilon)
    if normalisation.gamma is not None:
        scale *= keras.ops.convert_to_numpy(normalisation.gamma)
    shift = -keras.ops.convert_to_numpy(normalisation.moving_mean) * scale
    if normalisation.beta is not None:
        shift += keras.ops.convert_to_numpy(normalisation.beta)
    if bias:
        shift += bias[0] * scale
    depthwise = isinstance(convolution, keras.layers.DepthwiseConv2D)
    return [kernel * (scale.reshape(kernel.shape[2:]) if depthwise else scale), shift]

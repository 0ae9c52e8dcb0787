"""The filters of a network's first convolution, and its feature maps layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tellapart.networks.backend import keras

MAPS = 8
"""Number of feature maps per layer: those with the strongest response."""

_SHOWN = (
    keras.layers.Conv2D,
    keras.layers.Conv2DTranspose,
    keras.layers.DepthwiseConv2D,
    keras.layers.SeparableConv2D,
    keras.layers.Activation,
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
    keras.layers.MaxPooling2D,
    keras.layers.AveragePooling2D,
    keras.layers.UpSampling2D,
    keras.layers.Add,
    keras.layers.Concatenate,
)


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The strongest feature maps of a layer for one picture, float32 [maps, height, width].

    `layer` is the layer's name, `kind` its type, and `channels` the number of all its maps.
    """

    layer: str
    kind: str
    channels: int
    maps: np.ndarray


def first_filters(network: keras.Model) -> tuple[str, np.ndarray] | None:
    """Return the name of the first convolution and its kernel float32 [height, width, in, out]; None without one."""
    for layer in network.layers:
        for weight in layer.weights:
            if len(weight.shape) == 4:
                return layer.name, keras.ops.convert_to_numpy(weight)
    return None


def feature_maps(network: keras.Model, picture: np.ndarray) -> list[FeatureMaps]:
    """Return the feature maps for a preprocessed picture uint8 [height, width, channels], layer by layer.

    Layers that only rescale, normalise or drop values are left out: their maps look like those of the next layer.
    """
    shown = [
        layer
        for layer in network.layers
        if isinstance(layer, _SHOWN) and len(layer.output.shape) == 4 and min(layer.output.shape[1:3]) > 1
    ]
    if not shown:
        return []
    probe = keras.Model(network.inputs[0], [layer.output for layer in shown])
    outputs = probe(picture[None].astype(np.float32), training=False)
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    return [
        _strongest(layer, keras.ops.convert_to_numpy(output)[0]) for layer, output in zip(shown, outputs, strict=True)
    ]


def _strongest(layer: keras.Layer, output: np.ndarray) -> FeatureMaps:
    """Return the strongest maps of a layer's output float32 [height, width, channels], in the order of channels."""
    maps = np.moveaxis(output, -1, 0)
    strongest = np.argsort(-np.abs(maps).mean(axis=(1, 2)), kind="stable")[:MAPS]
    return FeatureMaps(layer.name, type(layer).__name__, len(maps), maps[np.sort(strongest)])

"""What a network's layers see: the filters of the first convolution, and feature maps layer by layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tellapart.networks.backend import keras

MAPS = 8
"""Of each layer, so many maps are shown: those that answer most strongly."""

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
    """A layer's strongest maps for one picture, float32 [maps, height, width], and how many it has in all."""

    layer: str
    kind: str
    channels: int
    maps: np.ndarray


def first_filters(network: keras.Model) -> tuple[str, np.ndarray] | None:
    """The name of the first convolution, and its kernel float32 [height, width, in, out]; None without any."""
    for layer in network.layers:
        for weight in layer.weights:
            if len(weight.shape) == 4:
                return layer.name, keras.ops.convert_to_numpy(weight)
    return None


def feature_maps(network: keras.Model, picture: np.ndarray) -> list[FeatureMaps]:
    """What every layer with maps answers to a prepared picture uint8 [height, width, channels], in order.

    Layers that only rescale, normalise or drop are left out: what follows shows the same.
    """
    shown = [
        layer
        for layer in network.layers
        if isinstance(layer, _SHOWN) and len(layer.output.shape) == 4 and min(layer.output.shape[1:3]) > 1
    ]
    if not shown:
        return []
    probe = keras.Model(network.inputs[0], [layer.output for layer in shown])
    answers = probe(picture[None].astype(np.float32), training=False)
    answers = answers if isinstance(answers, (list, tuple)) else [answers]
    found = []
    for layer, answer in zip(shown, answers, strict=True):
        maps = np.moveaxis(keras.ops.convert_to_numpy(answer)[0], -1, 0)
        strongest = np.argsort(-np.abs(maps).mean(axis=(1, 2)), kind="stable")[:MAPS]
        found.append(FeatureMaps(layer.name, type(layer).__name__, len(maps), maps[np.sort(strongest)]))
    return found

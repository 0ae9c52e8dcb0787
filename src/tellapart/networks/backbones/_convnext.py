"""ConvNeXt: the network, and its weights as timm, its authors and keras.applications keep them.

Source: Liu and others 2022, arXiv:2201.03545. The scale of each block (LayerScale) is part of the dense layer before
it, whose kernel and bias are multiplied by it; the result is the same, and all layers are built-in ones.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _keras, _torch
from tellapart.networks.backbones._blocks import pixels, pooled, standardised

if TYPE_CHECKING:
    import keras

Arrays = Mapping[str, np.ndarray]

EPSILON = 1e-6


def convnext_network(shape: tuple[int, int, int], depths: tuple[int, ...], widths: tuple[int, ...]) -> keras.Model:
    """Stem, four stages of `depths` blocks with `widths` channels, pooling, and the normalisation behind it."""
    from tellapart.networks.backend import keras

    layers = keras.layers
    inputs, x = pixels(shape)
    x = layers.Conv2D(widths[0], 4, strides=4, name="stem_conv")(standardised(x))
    x = _normal(x, "stem_conv")
    for name, stage, place in _blocks(depths):
        if stage and not place:
            x = layers.Conv2D(widths[stage], 2, strides=2, name=f"{name}_halve")(_normal(x, name))
        x = _block(x, name)
    return keras.Model(inputs, _normal(pooled(x), "head"))


def convnext_weights(arrays: Arrays, depths: tuple[int, ...]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm or as in keras.applications (ConvNeXtTiny)."""
    if "stem.0.weight" in arrays:
        return _from_timm(arrays, depths)
    return _from_keras(_keras.by_layer(arrays), depths)


def _blocks(depths: tuple[int, ...]) -> Iterator[tuple[str, int, int]]:
    """Name, stage, and place in the stage of each block."""
    number = 0
    for stage, depth in enumerate(depths):
        for place in range(depth):
            yield f"block{number}", stage, place
            number += 1


def _block(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Depthwise convolution, normalisation, two dense layers; the input is added."""
    from tellapart.networks.backend import keras

    layers, channels = keras.layers, x.shape[-1]
    inside = layers.DepthwiseConv2D(7, padding="same", name=f"{name}_depthwise")(x)
    inside = layers.Dense(4 * channels, activation="gelu", name=f"{name}_expand")(_normal(inside, f"{name}_depthwise"))
    return layers.Add(name=f"{name}_add")([x, layers.Dense(channels, name=f"{name}_project")(inside)])


def _normal(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    from tellapart.networks.backend import keras

    return keras.layers.LayerNormalization(epsilon=EPSILON, name=f"{name}_norm")(x)


def _scaled(weights: list[np.ndarray], scale: np.ndarray) -> list[np.ndarray]:
    """Kernel [in, out] and bias [out], times the scale [out] of what they give."""
    return [array * scale for array in weights]


def _from_timm(arrays: Arrays, depths: tuple[int, ...]) -> dict[str, list[np.ndarray]]:
    result = {
        "stem_conv": _torch.with_bias(arrays, "stem.0"),
        "stem_conv_norm": _torch.layer_normalization(arrays, "stem.1"),
        "head_norm": _torch.layer_normalization(arrays, "head.norm"),
    }
    for name, stage, place in _blocks(depths):
        if stage and not place:
            result[f"{name}_norm"] = _torch.layer_normalization(arrays, f"stages.{stage}.downsample.0")
            result[f"{name}_halve"] = _torch.with_bias(arrays, f"stages.{stage}.downsample.1")
        there = f"stages.{stage}.blocks.{place}"
        kernel, bias = arrays[f"{there}.conv_dw.weight"], arrays[f"{there}.conv_dw.bias"]
        result[f"{name}_depthwise"] = [kernel.transpose(2, 3, 0, 1), bias]
        result[f"{name}_depthwise_norm"] = _torch.layer_normalization(arrays, f"{there}.norm")
        result[f"{name}_expand"] = _torch.dense(arrays, f"{there}.mlp.fc1")
        result[f"{name}_project"] = _scaled(_torch.dense(arrays, f"{there}.mlp.fc2"), arrays[f"{there}.gamma"])
    return result


def _from_keras(named: Arrays, depths: tuple[int, ...]) -> dict[str, list[np.ndarray]]:
    first = "convnext_tiny"
    result = {
        "stem_conv": _keras.with_bias(named, f"{first}_stem_conv"),
        "stem_conv_norm": _keras.layer_normalization(named, f"{first}_stem_layernorm"),
        "head_norm": _keras.layer_normalization(named, _last_norm(named)),
    }
    for name, stage, place in _blocks(depths):
        if stage and not place:
            norm, halve = f"{first}_downsampling_layernorm_{stage - 1}", f"{first}_downsampling_conv_{stage - 1}"
            result[f"{name}_norm"] = _keras.layer_normalization(named, norm)
            result[f"{name}_halve"] = _keras.with_bias(named, halve)
        there = f"{first}_stage_{stage}_block_{place}"
        kernel, bias = _keras.with_bias(named, f"{there}_depthwise_conv")
        result[f"{name}_depthwise"] = [kernel.transpose(0, 1, 3, 2), bias]
        result[f"{name}_depthwise_norm"] = _keras.layer_normalization(named, f"{there}_layernorm")
        result[f"{name}_expand"] = _keras.with_bias(named, f"{there}_pointwise_conv_1")
        scale = _keras.only(named, f"{there}_layer_scale")
        result[f"{name}_project"] = _scaled(_keras.with_bias(named, f"{there}_pointwise_conv_2"), scale)
    return result


def _last_norm(named: Arrays) -> str:
    """The name of the last normalisation: `layer_normalization` with a number or without, unless there is a head."""
    head = "convnext_tiny_head_layernorm"
    others = [name.split("/")[0] for name in named if name.startswith("layer_normalization")]
    return others[0] if others else head

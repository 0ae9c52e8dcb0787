"""Inverted residual blocks: wide inside, narrow between; used by EfficientNet and MobileNetV2 and their relatives.

Source: Sandler and others 2018, arXiv:1801.04381; fused blocks: Tan and Le 2021, arXiv:2104.00298.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _torch
from tellapart.networks.backbones._blocks import Convolutions

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Stage:
    """Blocks with the same number of output channels; only the first has the stride.

    `expansion` is by how much a block is wider inside. In a `fused` block, one convolution takes the place of the
    expansion and the depthwise convolution; with `squeeze`, the channels inside are weighted by their means.
    """

    repeats: int
    filters: int
    kernel: int
    stride: int
    expansion: int
    fused: bool = False
    squeeze: bool = False


@dataclass(frozen=True)
class Block:
    """One block: the name its layers begin with, and its place in the stages, from 0."""

    name: str
    stage: int
    place: int
    stride: int
    kind: Stage


def blocks(stages: tuple[Stage, ...]) -> Iterator[Block]:
    """The blocks of all stages, from the input on."""
    number = 0
    for stage, kind in enumerate(stages):
        for place in range(kind.repeats):
            yield Block(f"block{number}", stage, place, 1 if place else kind.stride, kind)
            number += 1


def inverted(x: keras.KerasTensor, block: Block, convolutions: Convolutions) -> keras.KerasTensor:
    """Expansion, depthwise convolution, projection; the input is added where the shape stays the same."""
    from tellapart.networks.backend import keras

    before, channels, kind = x, x.shape[-1], block.kind
    inside = _fused if kind.fused else _separate
    x = inside(x, block, convolutions)
    if block.stride > 1 or channels != kind.filters:
        return x
    return keras.layers.Add(name=f"{block.name}_add")([before, x])


def _fused(x: keras.KerasTensor, block: Block, convolutions: Convolutions) -> keras.KerasTensor:
    kind, name = block.kind, f"{block.name}_project"
    if kind.expansion == 1:
        return convolutions.full(x, name, kind.filters, kind.kernel, block.stride)
    channels = x.shape[-1] * kind.expansion
    x = convolutions.full(x, f"{block.name}_expand", channels, kind.kernel, block.stride)
    return convolutions.full(x, name, kind.filters, active=False)


def _separate(x: keras.KerasTensor, block: Block, convolutions: Convolutions) -> keras.KerasTensor:
    kind, channels = block.kind, x.shape[-1]
    if kind.expansion > 1:
        x = convolutions.full(x, f"{block.name}_expand", channels * kind.expansion)
    x = convolutions.depthwise(x, f"{block.name}_depthwise", kind.kernel, block.stride)
    if kind.squeeze:
        x = _squeezed(x, block.name, channels // 4, convolutions.activation)
    return convolutions.full(x, f"{block.name}_project", kind.filters, active=False)


def _squeezed(x: keras.KerasTensor, name: str, channels: int, activation: str) -> keras.KerasTensor:
    """Each channel times a weight 0..1 that depends on the means of all (Hu and others 2017, arXiv:1709.01507)."""
    from tellapart.networks.backend import keras

    layers = keras.layers
    weights = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_means")(x)
    weights = layers.Conv2D(channels, 1, activation=activation, name=f"{name}_reduce")(weights)
    weights = layers.Conv2D(x.shape[-1], 1, activation="sigmoid", name=f"{name}_widen")(weights)
    return layers.Multiply(name=f"{name}_weighted")([x, weights])


def timm_weights(arrays: Mapping[str, np.ndarray], stages: tuple[Stage, ...]) -> dict[str, list[np.ndarray]]:
    """The weights of stem, blocks and head, named as timm's EfficientNet has them."""
    result = _torch.convolution(arrays, "stem_conv", ("conv_stem", "bn1"))
    for block in blocks(stages):
        there = f"blocks.{block.stage}.{block.place}"
        for part, (convolution, normal) in _timm_names(block.kind).items():
            names = f"{there}.{convolution}", f"{there}.{normal}"
            result |= _torch.convolution(arrays, f"{block.name}_{part}", names)
        if block.kind.squeeze:
            for part, name in (("reduce", "se.conv_reduce"), ("widen", "se.conv_expand")):
                result[f"{block.name}_{part}"] = _torch.with_bias(arrays, f"{there}.{name}")
    return result | _torch.convolution(arrays, "head_conv", ("conv_head", "bn2"))


def _timm_names(kind: Stage) -> dict[str, tuple[str, str]]:
    if kind.fused and kind.expansion == 1:
        return {"project": ("conv", "bn1")}
    if kind.fused:
        return {"expand": ("conv_exp", "bn1"), "project": ("conv_pwl", "bn2")}
    if kind.expansion == 1:
        return {"depthwise": ("conv_dw", "bn1"), "project": ("conv_pw", "bn2")}
    return {"expand": ("conv_pw", "bn1"), "depthwise": ("conv_dw", "bn2"), "project": ("conv_pwl", "bn3")}

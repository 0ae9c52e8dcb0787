"""EfficientNetV2 B0 to B3: the network, and its weights as keras.applications and as timm keep them.

Source: Tan and Le 2021, arXiv:2104.00298.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _keras
from tellapart.networks.backbones._blocks import Convolutions, pixels, pooled, standardised
from tellapart.networks.backbones._inverted import Block, Stage, blocks, inverted, timm_weights

if TYPE_CHECKING:
    import keras

STEM = 32
"""Channels of the first convolution."""

KERNEL, STRIDES, EXPANSIONS = 3, (1, 2, 2, 2, 1, 2), (1, 4, 4, 4, 6, 6)

FUSED = 3
"""The first stages have fused blocks, and no squeeze-and-excitation."""


def efficientnet_stages(repeats: tuple[int, ...], filters: tuple[int, ...]) -> tuple[Stage, ...]:
    """The six stages, with their numbers of blocks and of channels."""
    shapes = zip(repeats, filters, STRIDES, EXPANSIONS, strict=True)
    return tuple(
        Stage(count, channels, KERNEL, stride, expansion, number < FUSED, number >= FUSED)
        for number, (count, channels, stride, expansion) in enumerate(shapes)
    )


def efficientnet_network(shape: tuple[int, int, int], stages: tuple[Stage, ...], head: int) -> keras.Model:
    """Stem, fused and inverted residual blocks, head of `head` channels, pooling."""
    from tellapart.networks.backend import keras

    convolutions = Convolutions("silu", 1e-3)
    inputs, x = pixels(shape)
    x = convolutions.full(standardised(x), "stem_conv", STEM, 3, 2)
    for block in blocks(stages):
        x = inverted(x, block, convolutions)
    return keras.Model(inputs, pooled(convolutions.full(x, "head_conv", head)))


def efficientnet_weights(arrays: Mapping[str, np.ndarray], stages: tuple[Stage, ...]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm or as in keras.applications."""
    if "conv_stem.weight" in arrays:
        return timm_weights(arrays, stages)
    named = _keras.by_layer(arrays)
    result = _keras.convolution(named, "stem_conv", ("stem_conv", "stem_bn"))
    for block in blocks(stages):
        result |= _of_block(named, block)
    return result | _keras.convolution(named, "head_conv", ("top_conv", "top_bn"))


def _of_block(named: Mapping[str, np.ndarray], block: Block) -> dict[str, list[np.ndarray]]:
    there = f"block{block.stage + 1}{'abcdefghijklmnopqrstuvwxyz'[block.place]}"
    names = {"project": (f"{there}_project_conv", f"{there}_project_bn")}
    if block.kind.expansion > 1:
        names["expand"] = f"{there}_expand_conv", f"{there}_expand_bn"
    if not block.kind.fused:
        names["depthwise"] = f"{there}_dwconv2", f"{there}_bn"
    result: dict[str, list[np.ndarray]] = {}
    for part, pair in names.items():
        result |= _keras.convolution(named, f"{block.name}_{part}", pair)
    if block.kind.squeeze:
        result[f"{block.name}_reduce"] = _keras.with_bias(named, f"{there}_se_reduce")
        result[f"{block.name}_widen"] = _keras.with_bias(named, f"{there}_se_expand")
    return result

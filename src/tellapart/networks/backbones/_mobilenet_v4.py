"""MobileNetV4, without attention: the network, and its weights as timm keeps them.

Source: Qin and others 2024, arXiv:2404.10518.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import _torch
from tellapart.networks.backbones._blocks import Convolutions, pixels, pooled, standardised

if TYPE_CHECKING:
    import keras

STEM, HEAD = 32, 1280
"""Channels of the first convolution, and of the dense layer behind the pooling."""


@dataclass(frozen=True)
class Plain:
    """A convolution of its own."""

    filters: int
    kernel: int
    stride: int = 1


@dataclass(frozen=True)
class Fused:
    """A convolution that expands, and one of 1 x 1 that projects."""

    filters: int
    kernel: int
    stride: int
    expansion: int


@dataclass(frozen=True)
class Universal:
    """A block that expands and projects, with a depthwise convolution of `first` x `first` before it, one of `middle`
    x `middle` within it, both, or none (0).
    """

    filters: int
    first: int
    middle: int
    expansion: int
    stride: int = 1


Kind = Plain | Fused | Universal
Stages = tuple[tuple[Kind, ...], ...]

_TIMM = {
    Plain: {"conv": ("conv", "bn1")},
    Fused: {"expand": ("conv_exp", "bn1"), "project": ("conv_pwl", "bn2")},
    Universal: {"expand": ("pw_exp.conv", "pw_exp.bn"), "project": ("pw_proj.conv", "pw_proj.bn")},
}


def mobilenet_network(shape: tuple[int, int, int], stages: Stages) -> keras.Model:
    """Stem, blocks, pooling, and the dense layer behind it."""
    from tellapart.networks.backend import keras

    convolutions = Convolutions("relu", 1e-5, "symmetric")
    inputs, x = pixels(shape)
    x = convolutions.full(standardised(x), "stem_conv", STEM, 3, 2)
    for name, _, kind in _blocks(stages):
        x = _block(x, name, kind, convolutions)
    x = keras.layers.Dense(HEAD, use_bias=False, name="head_dense")(pooled(x))
    return keras.Model(inputs, convolutions.normal(x, "head_dense"))


def mobilenet_weights(arrays: Mapping[str, np.ndarray], stages: Stages) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm."""
    result = _torch.convolution(arrays, "stem_conv", ("conv_stem", "bn1"))
    for name, there, kind in _blocks(stages):
        names = dict(_TIMM[type(kind)])
        if isinstance(kind, Universal) and kind.first:
            names["depthwise"] = "dw_start.conv", "dw_start.bn"
        if isinstance(kind, Universal) and kind.middle:
            names["middle_depthwise"] = "dw_mid.conv", "dw_mid.bn"
        for part, (convolution, normal) in names.items():
            result |= _torch.convolution(arrays, f"{name}_{part}", (f"{there}.{convolution}", f"{there}.{normal}"))
    kernel = arrays["conv_head.weight"]
    head = {"head_dense": [kernel.reshape(kernel.shape[:2]).T]}
    return result | head | {"head_dense_norm": _torch.normalization(arrays, "norm_head")}


def _blocks(stages: Stages) -> Iterator[tuple[str, str, Kind]]:
    """Names of all blocks, here and in timm's files, and what they are."""
    number = 0
    for stage, kinds in enumerate(stages):
        for place, kind in enumerate(kinds):
            yield f"block{number}", f"blocks.{stage}.{place}", kind
            number += 1


def _block(x: keras.KerasTensor, name: str, kind: Kind, convolutions: Convolutions) -> keras.KerasTensor:
    from tellapart.networks.backend import keras

    if isinstance(kind, Plain):
        return convolutions.full(x, f"{name}_conv", kind.filters, kind.kernel, kind.stride)
    inside = _fused(x, name, kind, convolutions) if isinstance(kind, Fused) else _universal(x, name, kind, convolutions)
    if kind.stride > 1 or x.shape[-1] != kind.filters:
        return inside
    return keras.layers.Add(name=f"{name}_add")([x, inside])


def _fused(x: keras.KerasTensor, name: str, kind: Fused, convolutions: Convolutions) -> keras.KerasTensor:
    x = convolutions.full(x, f"{name}_expand", x.shape[-1] * kind.expansion, kind.kernel, kind.stride)
    return convolutions.full(x, f"{name}_project", kind.filters, active=False)


def _universal(x: keras.KerasTensor, name: str, kind: Universal, convolutions: Convolutions) -> keras.KerasTensor:
    """The depthwise convolution in the middle has the stride; in a block without it, the first one has."""
    channels = x.shape[-1] * kind.expansion
    if kind.first:
        stride = 1 if kind.middle else kind.stride
        x = convolutions.depthwise(x, f"{name}_depthwise", kind.first, stride, active=False)
    x = convolutions.full(x, f"{name}_expand", channels)
    if kind.middle:
        x = convolutions.depthwise(x, f"{name}_middle_depthwise", kind.middle, kind.stride)
    return convolutions.full(x, f"{name}_project", kind.filters, active=False)

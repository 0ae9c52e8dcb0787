"""resnet-50 - the classic CNN for comparisons; slow for its accuracy.

Network: ResNet-50 with the stride in the 3 x 3 convolutions (He and others 2015, arXiv:1512.03385). Trained on
ImageNet-1k: 76.1 % of its validation pictures at 224 x 224 (torchvision, IMAGENET1K_V1). Preprocessing: mean and
deviation of ImageNet's pictures. Licence of the weights: BSD-3-Clause. The weights of keras.applications are others,
for another preprocessing, and do not fit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile, _torch
from tellapart.networks.backbones._blocks import Convolutions, pixels, pooled, standardised

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="ResNet-50",
    features=2048,
    parameters=23_561_152,
    side=224,
    sides=(128, 160, 192, 224),
    accuracy=0.761,
    licence="BSD-3-Clause",
    credit="torchvision",
    files=(
        WeightsFile(
            "resnet50-0676ba61.pth",
            sha256="0676ba61",
            urls=("https://download.pytorch.org/models/resnet50-0676ba61.pth",),
            torch="resnet50-0676ba61.pth",
        ),
        WeightsFile("resnet50.tv_in1k.safetensors", hub="timm/resnet50.tv_in1k"),
    ),
)

DEPTHS, WIDTHS, WIDER = (3, 4, 6, 3), (64, 128, 256, 512), 4
"""Blocks of each stage, channels inside them, and how many times as many they give."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 2048] out."""
    from tellapart.networks.backend import keras

    convolutions = Convolutions("relu", 1e-5, "symmetric")
    inputs, x = pixels(shape)
    x = convolutions.full(standardised(x), "stem_conv", 64, 7, 2)
    x = keras.layers.ZeroPadding2D(1, name="stem_pad")(x)  # zeros lose against what ReLU gives
    x = keras.layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for name, stage, place in _blocks():
        x = _block(x, name, WIDTHS[stage], 2 if stage and not place else 1, convolutions)
    return keras.Model(inputs, pooled(x))


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in torchvision or timm."""
    result = _torch.convolution(arrays, "stem_conv", ("conv1", "bn1"))
    for name, stage, place in _blocks():
        there = f"layer{stage + 1}.{place}"
        names = {part: (f"{there}.conv{i}", f"{there}.bn{i}") for i, part in enumerate(("narrow", "conv", "widen"), 1)}
        if not place:
            names["shortcut"] = f"{there}.downsample.0", f"{there}.downsample.1"
        for part, pair in names.items():
            result |= _torch.convolution(arrays, f"{name}_{part}", pair)
    return result


def _blocks() -> Iterator[tuple[str, int, int]]:
    """Name, stage, and place in the stage of each block."""
    number = 0
    for stage, depth in enumerate(DEPTHS):
        for place in range(depth):
            yield f"block{number}", stage, place
            number += 1


def _block(x: keras.KerasTensor, name: str, width: int, stride: int, convolutions: Convolutions) -> keras.KerasTensor:
    """1 x 1, 3 x 3, 1 x 1; the input is added, by way of a convolution where the shape changes."""
    from tellapart.networks.backend import keras

    before, filters = x, WIDER * width
    x = convolutions.full(x, f"{name}_narrow", width)
    x = convolutions.full(x, f"{name}_conv", width, 3, stride)
    x = convolutions.full(x, f"{name}_widen", filters, active=False)
    if before.shape[-1] != filters:
        before = convolutions.full(before, f"{name}_shortcut", filters, 1, stride, active=False)
    x = keras.layers.Add(name=f"{name}_add")([before, x])
    return keras.layers.Activation("relu", name=f"{name}_relu")(x)

"""convnext-atto - the smallest of its family; good features on many kinds of pictures.

Network: ConvNeXt-Atto (Liu and others 2022, arXiv:2201.03545), with the scale of each block in its last dense layer.
Trained on ImageNet-1k: 75.7 % of its validation pictures at 224 x 224 (timm's results for convnext_atto.d2_in1k).
Preprocessing: mean and deviation of ImageNet's pictures. Licence of the weights: Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._convnext import convnext_network, convnext_weights

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="ConvNeXt-Atto",
    features=320,
    parameters=3_372_680,
    side=224,
    sides=(128, 160, 192, 224),
    accuracy=0.757,
    licence="Apache-2.0",
    credit="Ross Wightman (timm), after Meta",
    files=(
        WeightsFile(
            "convnext_atto_d2-01bb0f51.pth",
            sha256="01bb0f51",
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-rsb-weights/convnext_atto_d2-01bb0f51.pth",
            ),
            torch="convnext_atto_d2-01bb0f51.pth",
        ),
        WeightsFile(
            "convnext_atto.d2_in1k.safetensors",
            hub="timm/convnext_atto.d2_in1k",
        ),
    ),
)

DEPTHS, WIDTHS = (2, 2, 6, 2), (40, 80, 160, 320)
"""Blocks of each stage, and their channels."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 320] out."""
    return convnext_network(shape, DEPTHS, WIDTHS)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm."""
    return convnext_weights(arrays, DEPTHS)

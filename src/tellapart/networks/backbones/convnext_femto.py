"""convnext-femto - larger and more accurate than convnext-atto.

Network: ConvNeXt-Femto (Liu and others 2022, arXiv:2201.03545), with the scale of each block in its last dense layer.
Trained on ImageNet-1k: 77.5 % of its validation pictures at 224 x 224 (timm's results for convnext_femto.d1_in1k).
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
    title="ConvNeXt-Femto",
    features=384,
    parameters=4_830_576,
    side=224,
    sides=(128, 160, 192, 224),
    accuracy=0.775,
    licence="Apache-2.0",
    credit="Ross Wightman (timm), after Meta",
    files=(
        WeightsFile(
            "convnext_femto_d1-d71d5b4c.pth",
            sha256="d71d5b4c",
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-rsb-weights/convnext_femto_d1-d71d5b4c.pth",
            ),
            torch="convnext_femto_d1-d71d5b4c.pth",
        ),
        WeightsFile(
            "convnext_femto.d1_in1k.safetensors",
            hub="timm/convnext_femto.d1_in1k",
        ),
    ),
)

DEPTHS, WIDTHS = (2, 2, 6, 2), (48, 96, 192, 384)
"""Blocks of each stage, and their channels."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 384] out."""
    return convnext_network(shape, DEPTHS, WIDTHS)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm."""
    return convnext_weights(arrays, DEPTHS)

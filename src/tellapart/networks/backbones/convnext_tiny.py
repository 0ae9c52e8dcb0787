"""convnext-tiny - the most accurate one here, and the slowest.

Network: ConvNeXt-Tiny (Liu and others 2022, arXiv:2201.03545), with the scale of each block in its last dense layer.
Trained on ImageNet-1k: 82.1 % of its validation pictures at 224 x 224 (the paper).
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
    title="ConvNeXt-Tiny",
    features=768,
    parameters=27_813_504,
    side=224,
    sides=(128, 160, 192, 224),
    accuracy=0.821,
    licence="Apache-2.0",
    credit="Meta (facebookresearch/ConvNeXt); converted by the Keras team and for timm",
    files=(
        WeightsFile(
            "convnext_tiny_notop.h5",
            sha256="d547c096cabd03329d7be5562c5e14798aa39ed24b474157cef5e85ab9e49ef1",
            urls=("https://storage.googleapis.com/tensorflow/keras-applications/convnext/convnext_tiny_notop.h5",),
            keras="convnext_tiny_notop.h5",
        ),
        WeightsFile(
            "convnext_tiny.fb_in1k.safetensors",
            hub="timm/convnext_tiny.fb_in1k",
        ),
    ),
)

DEPTHS, WIDTHS = (3, 3, 9, 3), (96, 192, 384, 768)
"""Blocks of each stage, and their channels."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 768] out."""
    return convnext_network(shape, DEPTHS, WIDTHS)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm or keras.applications."""
    return convnext_weights(arrays, DEPTHS)

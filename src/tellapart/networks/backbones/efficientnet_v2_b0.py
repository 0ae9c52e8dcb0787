"""efficientnet-v2-b0 - more accurate than efficientnet-lite0, and about half as fast.

Network: EfficientNetV2-B0 (Tan and Le 2021, arXiv:2104.00298). Trained on ImageNet-1k: 78.7 % of its validation
pictures at 224 x 224 (the table of keras.applications). Preprocessing: mean and deviation of ImageNet's pictures.
Licence of the weights: Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._efficientnet_v2 import (
    efficientnet_network,
    efficientnet_stages,
    efficientnet_weights,
)

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="EfficientNetV2-B0",
    features=1280,
    parameters=5_919_312,
    side=224,
    sides=(128, 160, 192, 224),
    accuracy=0.787,
    licence="Apache-2.0",
    credit="Google (google/automl); converted by the Keras team, and for timm by Ross Wightman",
    files=(
        WeightsFile(
            "tf_efficientnetv2_b0-c7cc451f.pth",
            sha256="c7cc451f",
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-effv2-weights/tf_efficientnetv2_b0-c7cc451f.pth",
            ),
            torch="tf_efficientnetv2_b0-c7cc451f.pth",
        ),
        WeightsFile(
            "efficientnetv2-b0_notop.h5",
            md5="893217f2bb855e2983157299931e43ff",
            urls=(
                "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b0_notop.h5",
            ),
            keras="efficientnetv2-b0_notop.h5",
        ),
        WeightsFile(
            "tf_efficientnetv2_b0.in1k.safetensors",
            hub="timm/tf_efficientnetv2_b0.in1k",
        ),
    ),
)

STAGES, HEAD = efficientnet_stages((1, 2, 2, 3, 5, 8), (16, 32, 48, 96, 112, 192)), 1280


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return efficientnet_network(shape, STAGES, HEAD)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm or keras.applications."""
    return efficientnet_weights(arrays, STAGES)

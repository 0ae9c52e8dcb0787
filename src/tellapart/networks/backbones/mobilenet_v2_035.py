"""mobilenet-v2-035 - the smallest and fastest, for weak machines and for tests.

Network: MobileNetV2 of width 0.35 (Sandler and others 2018, arXiv:1801.04381). Trained on ImageNet-1k: 60.3 % of its
validation pictures at 224 x 224 (Google's table of MobileNetV2). Preprocessing: x / 127.5 - 1. Licence of the
weights: Apache-2.0. Keras publishes no checksum of its file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._mobilenet_v2 import mobilenet_network, mobilenet_stages, mobilenet_weights

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="MobileNetV2 0.35",
    features=1280,
    parameters=410_208,
    side=224,
    sides=(96, 128, 160, 224),
    accuracy=0.603,
    licence="Apache-2.0",
    credit="Google; converted by the Keras team",
    files=(
        WeightsFile(
            "mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
            urls=(
                "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
            ),
            keras="mobilenet_v2_weights_tf_dim_ordering_tf_kernels_0.35_224_no_top.h5",
        ),
        WeightsFile(
            "mobilenet-v2-035-features.npz",
            sha256="e9827a4b7d7ebfe38978dbbfee3ce2b70e72d0a30d10c4b4e9b80a8332fb632f",
            size=1_715_666,
        ),
    ),
)

STEM = 16
STAGES = mobilenet_stages((8, 8, 16, 24, 32, 56, 112))


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return mobilenet_network(shape, STEM, STAGES)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in keras.applications."""
    return mobilenet_weights(arrays, STAGES)

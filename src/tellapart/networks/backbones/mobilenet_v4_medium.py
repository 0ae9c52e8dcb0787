"""mobilenet-v4-medium - accurate and fast for its accuracy, for pictures of 256 pixels.

Network: MobileNetV4-Conv-Medium (Qin and others 2024, arXiv:2404.10518). Trained on ImageNet-1k: 79.9 % of its
validation pictures at 256 x 256 (timm's results for
mobilenetv4_conv_medium.e500_r256_in1k). Preprocessing: mean and deviation of ImageNet's pictures. Licence of the
weights: Apache-2.0. The hub publishes no checksum in a place that can be quoted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._mobilenet_v4 import Fused, Plain, Universal, mobilenet_network, mobilenet_weights

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="MobileNetV4-Conv-Medium",
    features=1280,
    parameters=8_502_416,
    side=256,
    sides=(160, 192, 224, 256),
    accuracy=0.799,
    licence="Apache-2.0",
    credit="Ross Wightman (timm), after Google",
    files=(
        WeightsFile(
            "mobilenetv4_conv_medium.e500_r256_in1k.safetensors",
            hub="timm/mobilenetv4_conv_medium.e500_r256_in1k",
        ),
    ),
)

STAGES = (
    (Fused(48, 3, 2, 4),),
    (Universal(80, 3, 5, 4, 2), Universal(80, 3, 3, 2)),
    (
        Universal(160, 3, 5, 6, 2),
        *[Universal(160, 3, 3, 4)] * 2,
        Universal(160, 3, 5, 4),
        Universal(160, 3, 3, 4),
        Universal(160, 3, 0, 4),
        Universal(160, 0, 0, 2),
        Universal(160, 3, 0, 4),
    ),
    (
        Universal(256, 5, 5, 6, 2),
        Universal(256, 5, 5, 4),
        *[Universal(256, 3, 5, 4)] * 2,
        Universal(256, 0, 0, 4),
        Universal(256, 3, 0, 4),
        Universal(256, 3, 5, 2),
        Universal(256, 5, 5, 4),
        *[Universal(256, 0, 0, 4)] * 2,
        Universal(256, 5, 0, 2),
    ),
    (Plain(960, 1),),
)


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return mobilenet_network(shape, STAGES)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm."""
    return mobilenet_weights(arrays, STAGES)

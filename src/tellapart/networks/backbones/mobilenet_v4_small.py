"""mobilenet-v4-small - about as accurate as efficientnet-lite0, and faster.

Network: MobileNetV4-Conv-Small (Qin and others 2024, arXiv:2404.10518). Trained on ImageNet-1k: 73.8 % of its
validation pictures at 224 x 224 (timm's results for
mobilenetv4_conv_small.e2400_r224_in1k). Preprocessing: mean and deviation of ImageNet's pictures. Licence of the
weights: Apache-2.0. The hub publishes no checksum in a place that can be quoted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from tellapart.networks.backbones import Backbone, WeightsFile
from tellapart.networks.backbones._mobilenet_v4 import Plain, Universal, mobilenet_network, mobilenet_weights

if TYPE_CHECKING:
    import keras

BACKBONE = Backbone(
    title="MobileNetV4-Conv-Small",
    features=1280,
    parameters=2_518_112,
    side=224,
    sides=(128, 160, 192, 224),
    accuracy=0.738,
    licence="Apache-2.0",
    credit="Ross Wightman (timm), after Google",
    files=(
        WeightsFile(
            "mobilenetv4_conv_small.e2400_r224_in1k.safetensors",
            hub="timm/mobilenetv4_conv_small.e2400_r224_in1k",
        ),
    ),
)

STAGES = (
    (Plain(32, 3, 2), Plain(32, 1)),
    (Plain(96, 3, 2), Plain(64, 1)),
    (Universal(96, 5, 5, 3, 2), *[Universal(96, 0, 3, 2)] * 4, Universal(96, 3, 0, 4)),
    (
        Universal(128, 3, 3, 6, 2),
        Universal(128, 5, 5, 4),
        Universal(128, 0, 5, 4),
        Universal(128, 0, 5, 3),
        *[Universal(128, 0, 3, 4)] * 2,
    ),
    (Plain(960, 1),),
)


def network(shape: tuple[int, int, int]) -> keras.Model:
    """Pixels 0..255 of `shape` in, float [n, 1280] out."""
    return mobilenet_network(shape, STAGES)


def layer_weights(arrays: Mapping[str, np.ndarray]) -> dict[str, list[np.ndarray]]:
    """The weights of each layer, from arrays named as in timm."""
    return mobilenet_weights(arrays, STAGES)

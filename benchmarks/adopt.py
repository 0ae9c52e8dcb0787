"""Is every family of keras.applications adopted, with the answers that Keras gives, and why are others refused?

    python benchmarks/adopt.py [NAME ...]

Builds each network with random weights and a small input, saves it as .keras, adopts it and compares probabilities on
random pixels with those of the network that was saved. `preprocess_input` is part of the network unless it has its own
rescaling.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import keras
import numpy as np

import tellapart
from tellapart.errors import TellapartError
from tellapart.progress import silent

FAMILIES = {
    "VGG16": "vgg16", "ResNet50": "resnet", "ResNet50V2": "resnet_v2", "MobileNet": "mobilenet",
    "MobileNetV2": "mobilenet_v2", "MobileNetV3Small": "mobilenet_v3", "MobileNetV3Large": "mobilenet_v3",
    "EfficientNetB0": "efficientnet", "EfficientNetV2B0": "efficientnet_v2", "EfficientNetV2S": "efficientnet_v2",
    "DenseNet121": "densenet", "NASNetMobile": "nasnet", "InceptionV3": "inception_v3",
    "InceptionResNetV2": "inception_resnet_v2", "Xception": "xception", "ConvNeXtTiny": "convnext",
}  # fmt: skip
"""One network or more of each family, and the module with its `preprocess_input`."""


def network_of(name: str, size: int = 96) -> keras.Model:
    """A network that was made as the guide to transfer learning does: augmentation, preprocessing, backbone, head."""
    module = getattr(keras.applications, FAMILIES[name])
    inputs = keras.Input((size, size, 3))
    x = keras.layers.RandomFlip("horizontal")(inputs)
    x = module.preprocess_input(x)
    backbone = getattr(keras.applications, name)(weights=None, include_top=False, input_shape=(size, size, 3))
    x = keras.layers.GlobalAveragePooling2D()(backbone(x, training=False))
    return keras.Model(inputs, keras.layers.Dense(3, "softmax")(keras.layers.Dropout(0.2)(x)))


def adopted(name: str, folder: Path) -> str:
    """What came of adopting a family, in words."""
    network = network_of(name)
    generator = np.random.default_rng(0)
    for variable in network.weights:  # random weights may make all answers alike
        if variable.path.endswith("gamma"):
            variable.assign(generator.uniform(0.5, 1.5, variable.shape))
    path = folder / f"{name}.keras"
    network.save(path)
    pixels = generator.integers(0, 256, (4, 96, 96, 3), np.uint8)
    wanted = np.asarray(network(pixels.astype(np.float32), training=False))
    began = time.monotonic()
    ranges = ["range=0..255"]
    try:
        found = tellapart.adopt(path, classes=["a", "b", "c"], preprocessing=ranges, on_event=silent)
    except TellapartError as error:
        return f"refused: {error.given}"
    worst = float(np.abs(found.model.probabilities(pixels) - wanted).max())
    return f"adopted in {time.monotonic() - began:.1f} s, largest difference of a probability {worst:.1e}"


def main() -> None:
    """Print a line for each family."""
    with tempfile.TemporaryDirectory() as folder:
        for name in sys.argv[1:] or FAMILIES:
            print(f"{name:20} {adopted(name, Path(folder))}", flush=True)


if __name__ == "__main__":
    main()

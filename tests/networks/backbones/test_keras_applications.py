"""The backbones whose weights are from keras.applications give the features that its networks give."""

import keras
import numpy as np
import pytest

from tellapart.networks import backbones
from tests.networks.backbones import layouts

REFERENCES = {
    "mobilenet-v2": lambda **options: keras.applications.MobileNetV2(alpha=1.0, **options),
    "mobilenet-v2-035": lambda **options: keras.applications.MobileNetV2(alpha=0.35, **options),
    "efficientnet-v2-b0": keras.applications.EfficientNetV2B0,
    "efficientnet-v2-b2": keras.applications.EfficientNetV2B2,
    "convnext-tiny": keras.applications.ConvNeXtTiny,
}


@pytest.mark.parametrize("name", REFERENCES)
def test_the_same_features(name):
    shape = (64, 75, 3)  # even and odd sizes are padded differently
    reference = REFERENCES[name](include_top=False, weights=None, pooling="avg", input_shape=shape)
    rng = np.random.default_rng(0)
    for variable in reference.weights:
        variable.assign(layouts.random_like(rng, variable.name, variable.shape))
    pixels = rng.integers(0, 256, (8, *shape)).astype("float32")
    given = keras.applications.mobilenet_v2.preprocess_input(pixels.copy()) if "mobilenet" in name else pixels
    layouts.calibrate(reference, given)
    module = backbones.load(name)
    network = module.network(shape)
    layouts.place(network, module.layer_weights(layouts.of_keras(reference)))
    expected = keras.ops.convert_to_numpy(reference(given, training=False))
    got = keras.ops.convert_to_numpy(network(pixels, training=False))
    assert expected.std(axis=0).mean() > 1e-2
    assert np.abs(got - expected).max() <= 1e-4 * np.abs(expected).max()

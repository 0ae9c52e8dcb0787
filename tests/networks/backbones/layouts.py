"""Arrays with the names and shapes of real files of weights, with random numbers."""

from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "layouts"
"""Written by `python benchmarks/backbone_ports.py --layouts FOLDER`, with timm 1.0.31 and torchvision 0.28."""


def of_timm(name):
    """Arrays as timm or torchvision keeps the weights of a backbone, with its head for ImageNet's classes."""
    rng = np.random.default_rng(0)
    lines = (FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    shapes = {key: tuple(map(int, shape)) for key, *shape in (line.split() for line in lines)}
    return {key: random_like(rng, key, shape) for key, shape in shapes.items()}


def of_keras(network):
    """Arrays as keras.applications keeps the weights of a network in HDF5: `layer/layer/kernel:0`."""
    layers = [inner for layer in network.layers for inner in getattr(layer, "layers", [layer])]
    return {
        f"{layer.name}/{layer.name}/{variable.name}:0": np.array(variable)
        for layer in layers
        for variable in layer.weights
    }


def random_like(rng, name, shape):
    """Random weights that keep about the same range from layer to layer."""
    if len(shape) > 1:
        inputs = np.prod(shape) / max(shape[0], shape[-1])
        return (rng.standard_normal(shape) / np.sqrt(inputs)).astype("float32")
    if name.endswith(("var", "variance", "weight", "gamma")):
        return rng.uniform(0.5, 1, shape).astype("float32")
    return (rng.standard_normal(shape) * 0.1).astype("float32")


def place(network, weights):
    """Set the weights of each layer, which must be those that the layer has."""
    own = {layer.name for layer in network.layers if layer.weights}
    assert set(weights) == own
    for name, arrays in weights.items():
        network.get_layer(name).set_weights(arrays)


def calibrate(network, pixels):
    """Set the statistics of all batch normalisations to those of pictures, so that these make a difference."""
    layers = [layer for layer in network.layers if type(layer).__name__ == "BatchNormalization"]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0
    network(pixels, training=True)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def example(name):
    """Random arrays in one of the layouts that a backbone reads."""
    if (FOLDER / f"{name}.txt").exists():
        return of_timm(name)
    import keras

    return of_keras(keras.applications.MobileNetV2(alpha=ALPHAS[name], include_top=False, weights=None))


ALPHAS = {"mobilenet-v2": 1.0, "mobilenet-v2-035": 0.35}

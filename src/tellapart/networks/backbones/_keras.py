"""Weights as keras.applications keeps them. Each function raises KeyError for an array that is missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


def by_layer(arrays: Arrays) -> dict[str, np.ndarray]:
    """The arrays of a file by `layer/weight`, such as `Conv1/kernel`.

    Files of HDF5 have the layer once or twice, within a network or not, and `:0` at the end of the weight.
    """
    result: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        *path, weight = name.removesuffix(":0").split("/")
        result |= {f"{layer}/{weight}": array for layer in path}
    return result


def convolution(arrays: Arrays, layer: str, names: tuple[str, str]) -> dict[str, list[np.ndarray]]:
    """The weights of a convolution without bias and of its normalisation, whose layers in the file are `names`.

    Keras 2 wrote `depthwise_kernel` for some of them; Keras 3 writes `kernel` for all.
    """
    kernel = arrays.get(f"{names[0]}/depthwise_kernel")
    kernel = arrays[f"{names[0]}/kernel"] if kernel is None else kernel
    return {layer: [kernel], f"{layer}_norm": normalization(arrays, names[1])}


def normalization(arrays: Arrays, name: str) -> list[np.ndarray]:
    """Scale, offset, mean and variance of a batch normalisation."""
    return [arrays[f"{name}/{part}"] for part in ("gamma", "beta", "moving_mean", "moving_variance")]


def with_bias(arrays: Arrays, name: str) -> list[np.ndarray]:
    """Kernel and bias of a convolution or of a dense layer."""
    return [arrays[f"{name}/kernel"], arrays[f"{name}/bias"]]


def layer_normalization(arrays: Arrays, name: str) -> list[np.ndarray]:
    """Scale and offset of a layer normalisation."""
    return [arrays[f"{name}/gamma"], arrays[f"{name}/beta"]]


def only(arrays: Arrays, layer: str) -> np.ndarray:
    """The only array of a layer, whatever its name: that of LayerScale depends on the version of Keras."""
    for name, array in arrays.items():
        if name.startswith(f"{layer}/"):
            return array
    raise KeyError(layer)

"""Weights as PyTorch keeps them, in Keras's layout. Each function raises KeyError for an array that is missing."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


def convolution(arrays: Arrays, layer: str, names: tuple[str, str]) -> dict[str, list[np.ndarray]]:
    """The weights of a convolution without bias and of its normalisation, whose names in the file are `names`.

    A kernel [out, in, height, width] becomes [height, width, in, out]. That of a depthwise convolution, whose layer is
    named so, is [channels, 1, height, width] and becomes [height, width, channels, 1].
    """
    axes = (2, 3, 0, 1) if layer.endswith("depthwise") else (2, 3, 1, 0)
    kernel = arrays[f"{names[0]}.weight"].transpose(axes)
    return {layer: [kernel], f"{layer}_norm": normalization(arrays, names[1])}


def normalization(arrays: Arrays, name: str) -> list[np.ndarray]:
    """Scale, offset, mean and variance of a batch normalisation."""
    return [arrays[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]

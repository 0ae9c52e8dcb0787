"""Where the weights of replaced layers are in a file of Keras 3, which numbers the layers of each class."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np

from tellapart.networks.backend import keras
from tellapart.networks.spec import LayerSpec, NetworkSpec


def at_built_paths(spec: NetworkSpec, network: keras.Model, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays of a file, by path, at the paths that the network built from its spec has.

    They differ where a layer or operation was replaced by layers of other classes, since that changes the numbers.
    """
    placed = dict(_placed(spec, ""))
    if all(layer.stored is None for layer in placed.values()):
        return arrays
    targets = dict(_built_paths(network, "", ""))
    sources = {path: place for place, path in _stored_paths(spec, "", "")}
    moved = {}
    for key, array in arrays.items():
        path, _, number = key.rpartition("/vars/")
        if path in sources:
            layer = placed[sources[path]]
            moved[f"{targets[sources[path]]}/vars/{number}"] = fitted(layer, array)
    return moved


def fitted(layer: LayerSpec, array: np.ndarray) -> np.ndarray:
    """A weight in the shape that the layer has which replaces its own.

    That is a kernel [rows, columns, channels, 1], for LayerScale's factors [channels] and for the kernel of a grouped
    convolution [rows, columns, 1, channels].
    """
    if layer.stored == "LayerScale" and array.ndim == 1:
        return array.reshape(1, 1, -1, 1)
    if layer.stored == "Conv2D" and array.ndim == 4:
        return array.transpose(0, 1, 3, 2)
    return array


def _placed(spec: NetworkSpec, place: str) -> Iterator[tuple[str, LayerSpec]]:
    """The layers of a network and of those inside it, by their names and those of the networks around them."""
    for layer in spec.layers:
        if isinstance(layer, NetworkSpec):
            yield from _placed(layer, f"{place}/{layer.name}")
        else:
            yield f"{place}/{layer.name}", layer


def _stored_paths(spec: NetworkSpec, place: str, path: str) -> Iterator[tuple[str, str]]:
    """The place of each layer, as above, and the path of its weights in the file."""
    counts: Counter[str] = Counter()
    for layer in spec.layers:
        inner = f"{place}/{layer.name}"
        if isinstance(layer, NetworkSpec):
            kind = "Sequential" if layer.sequential else "Functional"
            yield from _stored_paths(layer, inner, f"{path}/layers/{_numbered(kind, counts)}")
        elif kind := layer.kind if layer.stored is None else layer.stored:
            yield inner, f"{path}/layers/{_numbered(kind, counts)}"


def _built_paths(network: keras.Model, place: str, path: str) -> Iterator[tuple[str, str]]:
    """The same for a network that was built."""
    counts: Counter[str] = Counter()
    for layer in network.layers:
        inner = f"{path}/layers/{_numbered(type(layer).__name__, counts)}"
        yield f"{place}/{layer.name}", inner
        if isinstance(layer, keras.Model):
            yield from _built_paths(layer, f"{place}/{layer.name}", inner)


def _numbered(kind: str, counts: Counter[str]) -> str:
    """The name of a layer in a file of weights: its class in snake case and, from the second on, a number."""
    snake = re.sub(r"([a-z])([A-Z])", r"\1_\2", re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)).lower()
    counts[snake] += 1
    return snake if counts[snake] == 1 else f"{snake}_{counts[snake] - 1}"

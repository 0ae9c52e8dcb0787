"""Between a Keras network and the members of a model file."""

from __future__ import annotations

import json
import math
import tempfile
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.classifier.model_file import CONFIG, METADATA, TWIN, WEIGHTS, Layer
from tellapart.classifier.twin import make_twin
from tellapart.errors import ModelFileError
from tellapart.recipes.backend import keras


def to_members(network: keras.Model) -> dict[str, bytes]:
    """The members that Keras writes for a network, and its ONNX twin."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "network.keras")
        network.save(path)
        with zipfile.ZipFile(path) as archive:
            members = {name: archive.read(name) for name in (METADATA, CONFIG, WEIGHTS)}
    return members | {TWIN: make_twin(network)}


def from_members(members: dict[str, bytes]) -> keras.Model:
    """Rebuild the network, of Keras's own layers only, and read its weights. Raises ModelFileError for other layers."""
    config = json.loads(members[CONFIG])
    _check_config(config)
    network = keras.saving.deserialize_keras_object(config, safe_mode=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, WEIGHTS)
        path.write_bytes(members[WEIGHTS])
        network.load_weights(path)
    return network


def outputs_of(network: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """What the network gives for pixels uint8 [n, height, width, channels]: float32 [n, outputs]."""
    return keras.ops.convert_to_numpy(network(pixels.astype(np.float32), training=False))


def describe_layers(network: keras.Model) -> tuple[Layer, ...]:
    """The network's summary, a line a layer."""
    return tuple(
        Layer(
            name=layer.name,
            kind=type(layer).__name__,
            shape=list(layer.output.shape[1:]),
            parameters=layer.count_params(),
            operations=_operations(layer),
        )
        for layer in network.layers
    )


def _operations(layer: keras.Layer) -> int:
    """Multiplications and additions of a layer's kernels for one picture: two for each of their weights and places."""
    places = math.prod(size or 1 for size in layer.output.shape[1:-1])
    return sum(
        2 * math.prod(weight.shape) * places for weight in layer.weights if "kernel" in weight.path.split("/")[-1]
    )


def _check_config(node: Any) -> None:
    if isinstance(node, dict):
        module = node.get("module")
        if "class_name" in node and module is not None and str(module).split(".")[0] != "keras":
            raise ModelFileError(
                f"the network holds an object of {module}.{node['class_name']}",
                "layers that come with Keras",
                "do not open this file unless you know where it comes from",
            )
        if node.get("class_name") in ("Lambda", "TFSMLayer", "TorchModuleWrapper"):
            raise ModelFileError(
                f"the network holds a {node['class_name']} layer, which can run any program",
                "plain layers",
                "refuse it",
            )
        for value in node.values():
            _check_config(value)
    elif isinstance(node, list):
        for value in node:
            _check_config(value)

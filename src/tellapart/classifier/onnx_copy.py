"""The ONNX copy of a network, which prediction runs on; it is compared with Keras on real pictures."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.errors import ModelFileError

if TYPE_CHECKING:
    import keras

TOLERANCE = 1e-4
"""The largest allowed difference between the probabilities of Keras and of the ONNX copy."""


def make_onnx_copy(network: keras.Model) -> bytes:
    """The bytes of an ONNX file with the function of a network.

    Input: float32 pixels [n, height, width, channels]. Outputs: those of the network, then the inputs of its last layer
    (features), unless that layer is a nested model. Only TensorFlow can write the file; on other backends a child
    process with TensorFlow does.
    """
    from tellapart.networks import backend

    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "network.keras"), Path(folder, "network.onnx")
        if backend.NAME == "tensorflow":
            _export(network, target)
        else:
            network.save(source)
            command = [sys.executable, "-m", __name__, str(source), str(target)]
            environment = os.environ | {"KERAS_BACKEND": "tensorflow", "CUDA_VISIBLE_DEVICES": ""}
            done = subprocess.run(command, env=environment, capture_output=True, text=True)  # noqa: S603  # our own module
            if done.returncode:
                raise RuntimeError(f"writing the ONNX copy failed:\n{done.stderr}")
        return target.read_bytes()


def check_onnx_copy(expected: np.ndarray, got: np.ndarray) -> float:
    """The largest difference between probabilities float [n, classes] of Keras and of the ONNX copy.

    Raises ModelFileError where it exceeds TOLERANCE, or where the likeliest class differs by more than a tie within
    TOLERANCE.
    """
    difference = float(np.abs(expected - got).max())
    top = expected.max(axis=1)
    chosen = np.take_along_axis(expected, got.argmax(axis=1)[:, np.newaxis], axis=1)[:, 0]
    if not difference <= TOLERANCE or (top - chosen).max() > TOLERANCE:
        raise ModelFileError(
            f"the network's ONNX copy differs from Keras (by up to {difference:.2g})",
            f"a difference of at most {TOLERANCE:g} on real pictures, and the same class",
            "report this together with the recipe, and use another recipe",
        )
    return difference


def with_features(network: keras.Model) -> keras.Model:
    """The network with a second output, the input of its last layer; unchanged if that layer is a nested model."""
    from tellapart.networks.backend import keras

    head = next((layer for layer in reversed(network.layers) if layer.weights), network.layers[-1])
    if isinstance(head, keras.Model) or len(network.outputs) != 1:
        return network
    return keras.Model(network.inputs[0], [network.outputs[0], head.input])


def _export(network: keras.Model, path: Path) -> None:
    from tellapart.networks.backend import keras, quiet_start
    from tellapart.networks.inside import layers_of

    with warnings.catch_warnings(), quiet_start():
        warnings.simplefilter("ignore")  # the converter uses names that NumPy has deprecated
        _add_erfc()
        network = with_features(network)
        for layer in layers_of(network):
            if isinstance(layer, keras.layers.Normalization):  # tensors in a layer would become inputs
                layer.mean, layer.variance = map(keras.ops.convert_to_numpy, (layer.mean, layer.variance))
        network(
            np.zeros((1, *network.input_shape[1:]), np.float32), training=False
        )  # Keras cannot export an unused model
        network.export(path, format="onnx", verbose=False)


@cache
def _add_erfc() -> None:
    """Add to tf2onnx the operation that Keras's exact GELU needs and tf2onnx lacks: erfc(x) = 1 - erf(x)."""
    from tf2onnx.handler import tf_op

    @tf_op("Erfc")
    class _Erfc:
        @classmethod
        def version_9(cls, ctx: Any, node: Any, **_: Any) -> None:
            shapes, types = node.output_shapes, node.output_dtypes
            erf = ctx.make_node("Erf", list(node.input), shapes=shapes, dtypes=types)
            one = ctx.make_const(f"{node.name}_one", np.ones((), np.float32))
            ctx.remove_node(node.name)
            ctx.make_node(
                "Sub", [one.output[0], erf.output[0]], name=node.name, outputs=node.output, shapes=shapes, dtypes=types
            )


if __name__ == "__main__":
    from tellapart.networks.backend import keras as _keras

    _export(_keras.saving.load_model(sys.argv[1], compile=False), Path(sys.argv[2]))

import os
import subprocess
import sys

import keras
import numpy as np
import onnxruntime
import pytest

from tellapart.classifier.onnx_copy import check_onnx_copy, make_onnx_copy
from tellapart.errors import ModelFileError


@pytest.mark.parametrize(
    "activation", ("relu", "gelu", "silu", "elu", "tanh", "leaky_relu", "selu", "softplus", "mish")
)
def test_common_activations_become_onnx(activation):
    network = keras.Sequential(
        [keras.Input((5, 5, 2)), keras.layers.Conv2D(3, 3, activation=activation), keras.layers.Flatten()]
    )
    pixels = np.random.default_rng(0).normal(size=(4, 5, 5, 2)).astype(np.float32) * 3
    session = onnxruntime.InferenceSession(make_onnx_copy(network), providers=["CPUExecutionProvider"])
    got = session.run(None, {session.get_inputs()[0].name: pixels})[0]
    assert np.abs(got - np.asarray(network(pixels))).max() < 1e-4


def test_differences_are_refused():
    expected = np.array([[0.2, 0.8], [0.6, 0.4]])
    assert check_onnx_copy(expected, expected + 5e-5) == pytest.approx(5e-5)
    for got in (expected + 2e-4, expected[:, ::-1], np.full((2, 2), np.nan)):
        with pytest.raises(ModelFileError, match="ONNX copy differs from Keras"):
            check_onnx_copy(expected, got)
    tie = np.array([[0.5, 0.5 - 1e-6]])
    assert check_onnx_copy(tie, tie[:, ::-1]) < 1e-5


def test_a_child_process_writes_it_for_other_backends(tmp_path):
    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]).save(tmp_path / "a.keras")
    command = [
        sys.executable,
        "-m",
        "tellapart.classifier.onnx_copy",
        str(tmp_path / "a.keras"),
        str(tmp_path / "a.onnx"),
    ]
    subprocess.run(command, check=True, env=os.environ | {"KERAS_BACKEND": "tensorflow"})
    assert onnxruntime.InferenceSession(tmp_path / "a.onnx").get_outputs()[0].shape[1] == 2

"""The JAX backend, in a process of its own: the backend is chosen once, when Keras starts."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="JAX is not installed: pip install '.[dev]'")
@pytest.mark.parametrize("lasting", (["--epochs", "4"], ["--minutes", "0.2", "--recipe", "lenet"]))
def test_the_same_recipe_trains_on_jax(lasting, tmp_path):
    """On JAX's CPU device: alternate mirroring, a schedule, the file with its ONNX copy, and answers without JAX."""
    environment = os.environ | {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "TELLAPART_CACHE": str(tmp_path)}
    words = ["train", "digits", *lasting, "--set", "augmentation.flip=alternate", "--runs", str(tmp_path), "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "tellapart", *words, "--quiet"], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    found = json.loads(done.stdout)
    assert json.loads((Path(found["model"]).parent / "run.json").read_text())["backend"].startswith("jax")
    # With a time limit the accuracy depends on the machine; compiling takes most of the time.
    assert found["results"]["test"]["accuracy"] > (0.5 if "--epochs" in lasting else 0)
    again = subprocess.run(
        [sys.executable, "-m", "tellapart", "evaluate", found["model"], "--json", "--quiet"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert json.loads(again.stdout)["accuracy"] == found["results"]["test"]["accuracy"]


def test_rounding_on_accelerators_is_restored():
    import tensorflow as tf

    from tellapart.networks.backend import NAME, exactly

    if NAME != "tensorflow":
        pytest.skip("the tests run on another backend")
    with exactly():
        assert not tf.config.experimental.tensor_float_32_execution_enabled()
    assert tf.config.experimental.tensor_float_32_execution_enabled()

"""Whether a training runs in mixed bfloat16: measured on this machine once and remembered, never guessed by name."""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np

from tellapart.data.datasets import cache_folder
from tellapart.files import write_json
from tellapart.recipes.backend import JIT, NAME, describe, keras
from tellapart.training.run import processor

WORTH = 1.1
"""bfloat16 is taken where a step is at least this much faster; less is noise."""

LONG = 1e8
"""Trainings of fewer pixels in all (pictures x epochs x size) end before the measuring would pay."""


def choose_precision(asked: str, pixels: float, folder: Path | None = None) -> tuple[str, str]:
    """`float32` or `bfloat16`, and why. `asked` is one of them or `auto`; `pixels` the training's in all.

    The measurement takes some seconds and is kept in `folder` (default: the cache), by processor and backend.
    """
    if asked != "auto":
        return asked, "as asked"
    if pixels < LONG:
        return "float32", "a short training"
    if not _may_have_bfloat16():
        return "float32", "the processor has no bfloat16"
    gain = _remembered_gain((folder or cache_folder()) / "precision.json")
    name = "bfloat16" if gain >= WORTH else "float32"
    return name, f"measured here: a step in bfloat16 is {gain:.1f} times as fast"


def set_precision(network: keras.Model, name: str) -> None:
    """Let a network compute in `name`; its weights stay float32, as do its rescaling and all from the last weights on.

    Probabilities and the loss thus come from float32 sums; `float32` puts everything back.
    """
    layers = _leaves(network)
    last = max((i for i, layer in enumerate(layers) if layer.weights), default=0)
    for i, layer in enumerate(layers):
        exact = name == "float32" or i >= last or isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)
        layer.dtype_policy = "float32" if exact else "mixed_bfloat16"


def _leaves(layer: keras.Layer) -> list[keras.Layer]:
    if isinstance(layer, keras.Model):
        return [leaf for inner in layer.layers for leaf in _leaves(inner)]
    return [layer]


def _may_have_bfloat16() -> bool:
    """Only a reason not to measure: Linux lists what a processor lacks; elsewhere, and on accelerators, we measure."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True
    accelerated = keras.distribution.list_devices("gpu") if NAME == "jax" else []
    return "bf16" in flags or bool(accelerated)


def _remembered_gain(path: Path) -> float:
    key = f"{processor()}, {describe()}"
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    if not isinstance(known.get(key), float):
        known = known | {key: _measured_gain()}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, known)
        except OSError:  # nowhere to remember it: measure again next time
            pass
    return known[key]


def _measured_gain() -> float:
    """How many times faster a training step of a small convolutional network is in bfloat16."""
    steps = {name: _step(name) for name in ("float32", "bfloat16")}
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(4):  # in turns, and the best of each: other work on the machine then hits both
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - began)
    return round(best["float32"] / best["bfloat16"], 2)


def _step(name: str):  # type: ignore[no-untyped-def]  # a function that trains one step
    layers = keras.layers
    network = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, padding="same", activation="relu"),
            layers.Conv2D(64, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    set_precision(network, name)
    network.compile("sgd", "sparse_categorical_crossentropy", jit_compile=JIT)
    pixels, labels = np.zeros((128, 28, 28, 1), np.float32), np.zeros(128, np.int32)
    network.train_on_batch(pixels, labels)
    return lambda: network.train_on_batch(pixels, labels)

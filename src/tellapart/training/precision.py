"""Whether to train in mixed bfloat16: measured once with the recipe's own network on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tellapart.networks.backend import JIT, NAME, has_accelerator, keras, place
from tellapart.networks.inside import layers_of
from tellapart.recipes.build import build_network
from tellapart.recipes.recipe import Recipe
from tellapart.training.faster import speed_up
from tellapart.training.machine import processor
from tellapart.training.measured import recall, remember
from tellapart.training.shortage import check_memory, ran_out

WORTH = 1.1
"""bfloat16 is used if a step is at least this many times as fast; less is noise."""

LONG = 1e8
"""Trainings of fewer pixels in total (pictures x epochs x size) are too short for the measurement to pay."""

SHORT = 1e7
"""Trainings of fewer are too short even for a remembered measurement to pay."""


def choose_precision(
    asked: str, recipe: Recipe, pictures: float, shape: tuple[int, int, int], classes: int
) -> tuple[str, str]:
    """`float32` or `bfloat16`, and the reason. `asked` is one of them or `auto`; `pictures` counts all epochs.

    The measurement takes some seconds and is remembered by processor, backend and network.
    """
    if asked != "auto":
        return asked, "as requested"
    seen = pictures * shape[0] * shape[1]
    if seen < SHORT:
        return "float32", "a short training"
    if not _may_have_bfloat16():
        return "float32", "the processor has no bfloat16"
    network = build_network(recipe, shape, classes)
    size = f"{len(network.layers)} layers, {network.count_params()} parameters"
    key = f"bfloat16: {processor()}, {place()}, {recipe.name} {shape} x {recipe.batch_size}, {size}"
    gain = recall(key)
    if gain is None and seen < LONG:
        return "float32", "a short training"
    if gain is None:
        try:
            check_memory(network, recipe.batch_size)
            gain = _measured_gain(network, recipe.batch_size)
        except Exception as error:
            if not ran_out(error):
                raise
            return "float32", "not measured: a batch does not fit in memory"
        remember(key, gain)
    name = "bfloat16" if gain >= WORTH else "float32"
    return name, f"measured on this machine: a step in bfloat16 is {gain:.1f} times as fast"


def set_precision(network: keras.Model, name: str) -> None:
    """Let a network compute in `name`; weights, rescaling, and all from the last weights on stay float32.

    So probabilities and the loss come from float32 sums. `float32` restores everything.
    """
    layers = layers_of(network)
    last = max((i for i, layer in enumerate(layers) if layer.weights), default=0)
    for i, layer in enumerate(layers):
        exact = name == "float32" or i >= last or isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)
        layer.dtype_policy = "float32" if exact else "mixed_bfloat16"


def _may_have_bfloat16() -> bool:
    """False only on Linux, if the processor is known to lack bfloat16; elsewhere, and on accelerators, measure."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True
    return "bf16" in flags or has_accelerator()


def _measured_gain(network: keras.Model, batch: int) -> float:
    """How many times as fast a training step is in bfloat16. Changes the network's weights."""
    speed_up(network)
    steps = {name: _step(network, name, batch) for name in ("float32", "bfloat16")}
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(4):  # in turns, and the best of each, so that other work on the machine affects both
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - began)
    return best["float32"] / best["bfloat16"]


def _step(network: keras.Model, name: str, batch: int) -> Callable[[], object]:
    """A function that trains one step in a precision; it is traced already."""
    set_precision(network, name)
    model = keras.Model(network.inputs[0], network(network.inputs[0]))
    model.compile("sgd", "mean_squared_error", jit_compile=JIT)
    pixels = np.random.default_rng(0).integers(0, 256, (batch, *network.input_shape[1:])).astype(np.float32)
    targets = np.zeros((batch, network.output_shape[-1]), np.float32)
    model.train_on_batch(pixels, targets)

    def step() -> object:
        if NAME == "torch":  # which does not trace, and computes in the layers' current precision
            set_precision(network, name)
        return model.train_on_batch(pixels, targets)

    return step

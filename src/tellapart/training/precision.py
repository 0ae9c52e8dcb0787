"""Whether a recipe trains in mixed bfloat16: measured with its own network, here, once; never guessed by name."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tellapart.networks.backend import JIT, NAME, has_accelerator, keras, place
from tellapart.networks.inside import layers_of
from tellapart.recipes.build import build_network
from tellapart.recipes.recipe import Recipe
from tellapart.training.measured import recall, remember
from tellapart.training.normalization import fuse
from tellapart.training.run import processor
from tellapart.training.shortage import check_memory, ran_out

WORTH = 1.1
"""bfloat16 is taken where a step is at least this much faster; less is noise."""

LONG = 1e8
"""Trainings of fewer pixels in all (pictures x epochs x size) end before the measuring would pay."""

SHORT = 1e7
"""Trainings of fewer end before even what has been measured would pay."""


def choose_precision(
    asked: str, recipe: Recipe, pictures: float, shape: tuple[int, int, int], classes: int
) -> tuple[str, str]:
    """`float32` or `bfloat16`, and why. `asked` is one of them or `auto`; `pictures` are all that training will see.

    The measurement takes some seconds and is remembered by processor, backend and network.
    """
    if asked != "auto":
        return asked, "as asked"
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
            return "float32", "not measured: memory does not suffice for a batch"
        remember(key, gain)
    name = "bfloat16" if gain >= WORTH else "float32"
    return name, f"measured here: a step in bfloat16 is {gain:.1f} times as fast"


def set_precision(network: keras.Model, name: str) -> None:
    """Let a network compute in `name`; its weights stay float32, as do its rescaling and all from the last weights on.

    Probabilities and the loss thus come from float32 sums; `float32` puts everything back.
    """
    layers = layers_of(network)
    last = max((i for i, layer in enumerate(layers) if layer.weights), default=0)
    for i, layer in enumerate(layers):
        exact = name == "float32" or i >= last or isinstance(layer, keras.layers.Rescaling | keras.layers.Normalization)
        layer.dtype_policy = "float32" if exact else "mixed_bfloat16"


def _may_have_bfloat16() -> bool:
    """Only a reason not to measure: Linux lists what a processor lacks; elsewhere, and on accelerators, we measure."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return True
    return "bf16" in flags or has_accelerator()


def _measured_gain(network: keras.Model, batch: int) -> float:
    """How many times faster a training step of a network is in bfloat16; it changes the network's weights."""
    fuse(network)
    steps = {name: _step(network, name, batch) for name in ("float32", "bfloat16")}
    best = dict.fromkeys(steps, float("inf"))
    for _ in range(4):  # in turns, and the best of each: other work on the machine then hits both
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            best[name] = min(best[name], time.perf_counter() - began)
    return best["float32"] / best["bfloat16"]


def _step(network: keras.Model, name: str, batch: int) -> Callable[[], object]:
    """A function that trains one step in a precision, already traced."""
    set_precision(network, name)
    model = keras.Model(network.inputs[0], network(network.inputs[0]))
    model.compile("sgd", "mean_squared_error", jit_compile=JIT)
    pixels = np.random.default_rng(0).integers(0, 256, (batch, *network.input_shape[1:])).astype(np.float32)
    targets = np.zeros((batch, network.output_shape[-1]), np.float32)
    model.train_on_batch(pixels, targets)

    def step() -> object:
        if NAME == "torch":  # which traces nothing, and computes in what the layers say now
            set_precision(network, name)
        return model.train_on_batch(pixels, targets)

    return step

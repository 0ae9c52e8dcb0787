"""What a training step costs with Keras's own layers and with those that stand in for them while training.

    python benchmarks/steps.py [--seeds 0 1 2]

No data: pixels are random. Every step is compiled by `fit`'s own machinery; the variants take turns, and the best of
six steps of each counts. Beside it the gradient of one kernel of a small map, by TensorFlow and by the way taken here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from results import arguments, draw, record, spread, table, where

NETWORKS = {
    "quick, 28 x 28 x 1": ("quick", (28, 28, 1), 10, 256),
    "quick-94, 32 x 32 x 3": ("quick-94", (32, 32, 3), 10, 512),
    "photos, 64 x 64 x 3": ("photos", (64, 64, 3), 2, 128),
    "photos, 128 x 128 x 3": ("photos", (128, 128, 3), 2, 128),
}
"""Recipe, shape of the pictures, classes and pictures a step."""

KERNELS = ((128, 3, 256, 256), (512, 3, 256, 256), (128, 8, 256, 256), (512, 7, 128, 256))
"""Pictures, side of the map, and channels in and out."""

TURNS = 6


def in_turns(works: dict[str, Callable[[], object]]) -> dict[str, float]:
    """The seconds of each piece of work, the best of those that it took."""
    best = dict.fromkeys(works, float("inf"))
    for work in works.values():
        work()
    for _ in range(TURNS):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            best[name] = min(best[name], time.perf_counter() - began)
    return best


def step(recipe: str, shape: tuple[int, int, int], classes: int, batch: int) -> dict[str, float]:
    """Seconds of a step by precision and by whose layers."""
    from tellapart.recipes.build import build_network
    from tellapart.recipes.find import find_recipe
    from tellapart.training.fused import fuse
    from tellapart.training.precision import compiled_step

    found = find_recipe(recipe).for_data(batch, shape)
    works = {}
    for precision in ("float32", "bfloat16"):
        for whose in ("Keras", "here"):
            network = build_network(found, shape, classes)
            if whose == "here":
                fuse(network)
            works[f"{precision}, {whose}"] = compiled_step(network, precision, batch)
    return in_turns(works)


def kernel(pictures: int, side: int, inside: int, outside: int) -> dict[str, float]:
    """Seconds of the gradient of a kernel in bfloat16."""
    import tensorflow as tf

    from tellapart.recipes.backend import convolution

    assert convolution is not None
    rng = np.random.default_rng(0)

    def drawn(*size: int) -> Any:
        return tf.cast(tf.constant(rng.normal(size=size).astype(np.float32)), "bfloat16")

    x, weights, upstream = (
        drawn(*size)
        for size in (
            (pictures, side, side, inside),
            (3, 3, inside, outside),
            (pictures, side, side, outside),
        )
    )

    def usual(x: Any, kernel: Any) -> Any:
        return tf.nn.conv2d(x, kernel, 1, "SAME")

    def work(function: Callable[[Any, Any], Any]) -> Callable[[], object]:
        @tf.function
        def gradient(x: Any, kernel: Any, upstream: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(kernel)
                outputs = function(x, kernel)
            return tape.gradient(outputs, kernel, upstream)

        return lambda: gradient(x, weights, upstream).numpy()

    return in_turns({"TensorFlow": work(usual), "here": work(convolution)})


def section(found: list[dict[str, Any]]) -> str:
    """The tables of this benchmark."""

    def of(line: str, name: str, kind: str) -> list[float]:
        return [1000 * one[kind][line][name] for one in found if line in one[kind]]

    steps, kernels = [], []
    for line in found[-1]["steps"]:
        columns = [of(line, name, "steps") for name in found[-1]["steps"][line]]
        gain = np.mean([plain / ours for plain, ours in zip(columns[2], columns[3], strict=True)])
        steps.append([line, *(spread(column) for column in columns), f"{gain:.2f}"])
    for line in found[-1]["kernels"]:
        usual, ours = (of(line, name, "kernels") for name in ("TensorFlow", "here"))
        gain = np.mean([a / b for a, b in zip(usual, ours, strict=True)])
        kernels.append([line, spread(usual, ".2f"), spread(ours, ".2f"), f"{gain:.2f}"])
    head = [
        *(f"{name}, ms" for name in found[-1]["steps"][next(iter(found[-1]["steps"]))]),
        "times as fast in bfloat16",
    ]
    return "\n".join(
        [
            "## A training step",
            "",
            f"`python benchmarks/steps.py`. {where(found)} With Keras's layers, and with those that stand in for them",
            "while training (tellapart/training/fused.py).",
            "",
            table(["a step of", *head], steps),
            "",
            table(["gradient of a kernel, bfloat16", "TensorFlow, ms", "here, ms", "times as fast"], kernels),
            "",
        ]
    )


def main() -> None:
    options = arguments(__doc__).parse_args()
    for seed in options.seeds:
        steps = {}
        for name, (recipe, shape, classes, batch) in NETWORKS.items():
            steps[f"{name}, {batch} pictures"] = step(recipe, shape, classes, batch)
            print(name, json.dumps(steps[f"{name}, {batch} pictures"]), flush=True)
        kernels = {f"{n} maps of {side} x {side}, {i} to {o}": kernel(n, side, i, o) for n, side, i, o in KERNELS}
        print(json.dumps(kernels), flush=True)
        record("steps", {"seed": seed, "steps": steps, "kernels": kernels})
    draw()


if __name__ == "__main__":
    main()

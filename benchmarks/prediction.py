"""Prediction time of one network in Keras, tf.function and ONNX Runtime, for one picture and many, pixels and files.

    python benchmarks/prediction.py [--seeds 0 1 2] [--recipe fashion-3conv]

Needs Fashion-MNIST, and some minutes. The network is trained for one epoch only: its weights do not matter here.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import tellapart
from _results import arguments, record, redraw
from _tables import as_section, mean_and_range, measured_on, table
from tellapart.classifier.model_file import ONNX
from tellapart.progress import silent

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

MANY, FILES = 10_000, 2_000


def seconds(work: Callable[[], object], repeats: int) -> float:
    """The shortest of some repeats: other load on the machine can only add time."""
    work()
    best = float("inf")
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def measure(classifier: Any, pixels: np.ndarray, folder: Path) -> dict[str, float]:
    """Microseconds per picture, by load and method."""
    import tensorflow as tf

    network = classifier.network
    compiled = tf.function(lambda x: network(x, training=False), jit_compile=False)
    session = onnxruntime.InferenceSession(classifier.members[ONNX], providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    single, batch = pixels[:1], pixels[:MANY]
    floats = batch.astype(np.float32)
    files = sorted(folder.iterdir())

    def by_hand_from_files() -> None:
        for start in range(0, len(files), 512):
            read = [np.asarray(Image.open(file))[:, :, np.newaxis] for file in files[start : start + 512]]
            session.run(None, {name: np.stack(read).astype(np.float32)})

    def keras_from_files() -> None:
        data = tf.data.Dataset.from_tensor_slices([str(file) for file in files])
        data = data.map(lambda path: tf.io.decode_png(tf.io.read_file(path), channels=1), num_parallel_calls=-1)
        network.predict(data.batch(512).prefetch(2), verbose=0)

    ways = {
        "one: model.predict": (lambda: network.predict(single, verbose=0), 20, 1),
        "one: tf.function": (lambda: compiled(tf.constant(floats[:1])).numpy(), 200, 1),
        "one: ONNX Runtime by hand": (lambda: session.run(None, {name: floats[:1]}), 500, 1),
        "one: Classifier.predict": (lambda: classifier.predict(pixels[0]), 500, 1),
        "many: model.predict": (lambda: network.predict(batch, verbose=0, batch_size=512), 5, MANY),
        "many: tf.function": (
            lambda: [compiled(tf.constant(floats[i : i + 500])).numpy() for i in range(0, MANY, 500)], 5, MANY,
        ),
        "many: ONNX Runtime by hand": (lambda: session.run(None, {name: batch.astype(np.float32)}), 5, MANY),
        "many: ONNX Runtime by hand, 500 at a time": (
            lambda: [session.run(None, {name: batch[i : i + 500].astype(np.float32)}) for i in range(0, MANY, 500)],
            5, MANY,
        ),
        "many: Classifier.probabilities": (lambda: classifier.probabilities(batch), 5, MANY),
        "many: Classifier.predict": (lambda: classifier.predict(batch), 5, MANY),
        "files: model.predict over tf.data": (keras_from_files, 3, FILES),
        "files: ONNX Runtime by hand": (by_hand_from_files, 3, FILES),
        "files: Classifier.predict": (lambda: classifier.predict(folder), 3, FILES),
    }  # fmt: skip
    return {way: seconds(work, repeats) / count * 1e6 for way, (work, repeats, count) in ways.items()}


def section(measurements: list[dict[str, Any]]) -> str:
    """The section of docs/benchmarks.md, with a table for each recipe."""
    blocks = []
    for recipe in dict.fromkeys(line["recipe"] for line in measurements):
        mine = [line["microseconds"] for line in measurements if line["recipe"] == recipe]
        rows = []
        for way in mine[-1]:
            load = way.split(":")[0]
            base = f"{load}: model.predict" + (" over tf.data" if load == "files" else "")
            ratio = np.mean([line[base] / line[way] for line in mine])
            rows.append([way, mean_and_range((line[way] for line in mine), ",.1f"), f"{ratio:,.1f}"])
        head = ["", "microseconds per picture", "times as fast as model.predict"]
        blocks += [f"### {recipe}", table(head, rows)]
    return as_section("Prediction", f"`python benchmarks/prediction.py`. {measured_on(measurements)}", *blocks)


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--recipe", default="fashion-3conv")
    options = parser.parse_args()
    collection = tellapart.open("fashion-mnist")
    pixels = collection.pictures.array[collection.indices("test")]
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary, "pictures")
            folder.mkdir()
            for i in range(FILES):
                Image.fromarray(pixels[i, :, :, 0]).save(folder / f"{i:05d}.png")
            run = tellapart.train(
                "fashion-mnist", recipe=options.recipe, epochs=1, seed=seed, runs=Path(temporary, "runs"),
                on_event=silent,
            )  # fmt: skip
            microseconds = measure(tellapart.load(run.path), pixels, folder)
        metrics = {"recipe": options.recipe, "seed": seed, "microseconds": microseconds}
        record("prediction", metrics)
        print(json.dumps(metrics, indent=1), flush=True)
    redraw()


if __name__ == "__main__":
    main()

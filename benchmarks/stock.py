"""The five tutorial systems in stock Keras, written as their authors would write them today; one system per process.

    python benchmarks/stock.py D [--seed 0] [--epochs N]

Prints a JSON object: seconds of `fit`, images per second (of the fastest epoch), test accuracy. Computes in float32.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import zipfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from keras import layers

import tellapart


class Clock(keras.callbacks.Callback):
    """A callback that measures the seconds of each epoch."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """See Keras."""
        self.began = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """See Keras."""
        self.seconds.append(time.monotonic() - self.began)


def conv(filters: int, **options: object) -> layers.Layer:
    return layers.Conv2D(filters, 3, activation="relu", **options)


def dense(units: int) -> layers.Layer:
    return layers.Dense(units, activation="relu")


def head() -> layers.Layer:
    return layers.Dense(10, activation="softmax")


def same(filters: int, **options: object) -> layers.Layer:
    return conv(filters, padding="same", **options)


def pool() -> layers.Layer:
    return layers.MaxPooling2D()


def network(system: str) -> keras.Model:
    """The network of a tutorial."""
    if system == "A":
        body = [conv(6), pool(), conv(16), pool(), conv(120), layers.Flatten(), layers.Dropout(0.25), dense(84), head()]
    elif system == "B":
        body = [conv(32), pool(), conv(64), pool(), conv(64), layers.Flatten(), dense(64), head()]
    elif system == "C":
        body = [same(64), same(32), pool(), same(32), same(16), pool(), same(16), same(8), pool()]
        body += [layers.Flatten(), dense(128), head()]
    elif system == "D":
        start = {"kernel_initializer": keras.initializers.GlorotUniform(seed=1)}
        body = [same(32, **start), same(64, **start), pool(), layers.Flatten(), dense(100), head()]
    else:
        augmentation = [layers.RandomZoom(0.2), layers.RandomShear(0.2, 0.2), layers.RandomFlip("horizontal")]
        body = [layers.Rescaling(1 / 255), *augmentation, conv(32), pool(), conv(64), pool(), layers.Flatten()]
        body += [dense(128), layers.Dropout(0.2), layers.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((64, 64, 3) if system == "E" else (28, 28, 1)), *body])


SYSTEMS = {
    # data, optimizer, batch, epochs
    "A": ("mnist", lambda: keras.optimizers.Adam(), 200, 5),
    "B": ("fashion-mnist", lambda: keras.optimizers.RMSprop(), 512, 15),
    "C": ("fashion-mnist", lambda: keras.optimizers.Adam(), 32, 7),
    "D": ("mnist", lambda: keras.optimizers.Adadelta(1.0), 128, 3),
    "E": ("cats-dogs", lambda: keras.optimizers.Adadelta(1.0), 32, 25),
}


def arrays(name: str, split: str) -> tuple[np.ndarray, np.ndarray]:
    collection = tellapart.open(name)
    chosen = collection.indices(split)
    pixels = collection.pictures.array[chosen].astype("float32") / 255
    return pixels, keras.utils.to_categorical(collection.labels[chosen], 10)


def run_arrays(system: str, seed: int, epochs: int | None) -> dict[str, object]:
    """Train and evaluate systems A to D on arrays in memory."""
    name, optimizer, batch, usual = SYSTEMS[system]
    x, y = arrays(name, "train")
    model = network(system)
    model.compile(optimizer(), "categorical_crossentropy", metrics=["accuracy"])
    clock = Clock()
    began = time.monotonic()
    validation = {}
    if system == "B":  # validates on 30 % of the training pictures, drawn at random
        order = np.random.default_rng(seed).permutation(len(x))
        held, kept = np.split(order, [round(0.3 * len(x))])
        validation = {"validation_data": (x[held], y[held])}
        x, y = x[kept], y[kept]
    model.fit(x, y, batch_size=batch, epochs=epochs or usual, callbacks=[clock], verbose=0, **validation)
    seconds = time.monotonic() - began
    _, accuracy = model.evaluate(*arrays(name, "test"), verbose=0)
    return {"fit_seconds": seconds, "images_per_second": len(x) / min(clock.seconds), "test_accuracy": accuracy}


def run_folders(seed: int, epochs: int | None) -> dict[str, object]:
    """Train and evaluate system E on class folders."""
    _, optimizer, batch, usual = SYSTEMS["E"]
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(Path(os.environ["TELLAPART_DATA"], "cats-dogs.zip")) as archive:
            archive.extractall(folder)
        options = {"label_mode": "binary", "image_size": (64, 64), "batch_size": batch, "verbose": False}
        datasets = {
            split: keras.utils.image_dataset_from_directory(
                next(Path(folder).rglob(f"{split}_set")), seed=seed, shuffle=split == "training", **options
            )
            for split in ("training", "test")
        }
        model = network("E")
        model.compile(optimizer(), "binary_crossentropy", metrics=["accuracy"])
        clock = Clock()
        began = time.monotonic()
        model.fit(datasets["training"], epochs=epochs or usual, callbacks=[clock], verbose=0)
        seconds = time.monotonic() - began
        _, accuracy = model.evaluate(datasets["test"], verbose=0)
    return {"fit_seconds": seconds, "images_per_second": 8000 / min(clock.seconds), "test_accuracy": accuracy}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("system", choices=SYSTEMS)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    if options.system == "E":
        result = run_folders(options.seed, options.epochs)
    else:
        result = run_arrays(options.system, options.seed, options.epochs)
    print(json.dumps(result))


if __name__ == "__main__":
    main()

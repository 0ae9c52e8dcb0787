"""Train EfficientNet-Lite0 in plain Keras, as its guide to transfer learning does, for a number of seconds.

    python benchmarks/peer_keras.py FOLDER --seconds 120 --side 224 [--seed 0]

FOLDER has `train/<class>` and `test/<class>`. See https://keras.io/guides/transfer_learning/: pictures from
`image_dataset_from_directory` in batches of 64, cached, mirrored and rotated at random; dropout of 0.2 and a dense
layer on the frozen backbone, trained with Adam; then everything with Adam(1e-5), batch normalisation in inference mode.
The guide trains for 2 epochs and 1 epoch; here the new layer gets half of the time, and the whole network the rest.
With less than a minute, of which building the second training step would take a third, the new layer gets all. The
backbone is that of tellapart, with its preprocessing and weights. Time counts from the start of the program to the end
of training; evaluating the test pictures, once, is not counted. Prints one line of JSON.
"""

# ruff: noqa: E402  # the time of imports counts
from __future__ import annotations

import time

BEGAN = time.monotonic()

import argparse
import json
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
from keras import layers

from tellapart.networks import backbones
from tellapart.pretrained.weights import find_weights, place

BATCH, SHORT = 64, 60.0


class Deadline(keras.callbacks.Callback):
    """A callback that ends training when its time is over, and counts batches."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end, self.batches = end, 0

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """See Keras."""
        self.batches += 1
        if time.monotonic() >= self.end:
            self.model.stop_training = True


def pictures(folder: Path, side: int, seed: int, training: bool) -> tuple[object, int]:
    """The pictures of a folder in batches, and the number of classes."""
    found = keras.utils.image_dataset_from_directory(
        folder, image_size=(side, side), batch_size=BATCH, shuffle=training, seed=seed, verbose=False
    )
    return found, len(found.class_names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--side", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    keras.utils.set_random_seed(options.seed)
    shape = (options.side, options.side, 3)
    train, classes = pictures(options.folder / "train", options.side, options.seed, True)
    steps = int(train.cardinality())
    augmentation = keras.Sequential([layers.RandomFlip("horizontal"), layers.RandomRotation(0.1)])
    train = train.cache().map(lambda x, y: (augmentation(x, training=True), y), num_parallel_calls=-1)
    train = train.repeat().prefetch(2)  # `fit` is ended in the middle of an epoch; see Deadline

    name = backbones.DEFAULT
    backbone = backbones.load(name).network(shape)
    place(backbone, find_weights(name))
    backbone.trainable = False
    inputs = keras.Input(shape)
    x = layers.Dropout(0.2)(backbone(inputs, training=False))
    model = keras.Model(inputs, layers.Dense(classes)(x))

    for_the_head = options.seconds if options.seconds < SHORT else options.seconds / 2
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    epochs = []
    for rate, trainable, end in ((1e-3, False, for_the_head), (1e-5, True, options.seconds)):
        backbone.trainable = trainable
        model.compile(keras.optimizers.Adam(rate), loss, metrics=["accuracy"])
        deadline = Deadline(BEGAN + end)
        if time.monotonic() < BEGAN + end:
            model.fit(train, epochs=10_000, steps_per_epoch=steps, callbacks=[deadline], shuffle=False, verbose=0)
        epochs.append(round(deadline.batches / steps, 2))
    seconds = time.monotonic() - BEGAN
    test, _ = pictures(options.folder / "test", options.side, options.seed, False)
    _, accuracy = model.evaluate(test, verbose=0)
    tested = sum(1 for path in (options.folder / "test").rglob("*") if path.is_file())
    print(json.dumps({"accuracy": accuracy, "tested": tested, "seconds": seconds, "epochs": epochs}))


if __name__ == "__main__":
    main()

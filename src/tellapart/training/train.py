"""The training itself: a compiled model, its batches in a seeded order, and the best weights by validation."""

from __future__ import annotations

import csv
import io
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.feeding import Prepared, batch_for
from tellapart.errors import RecipeError, TrainingError
from tellapart.files import write_text
from tellapart.progress import Epoch, Listener, Progress
from tellapart.recipes.backend import JIT, NAME, keras, set_seed
from tellapart.recipes.build import build_network
from tellapart.recipes.layers import AlternateMirror
from tellapart.recipes.recipe import Recipe
from tellapart.training.budget import Budget, Pace
from tellapart.training.mixing import mixed
from tellapart.training.normalization import fuse, unfuse
from tellapart.training.optimizers import add_penalties, make_loss, make_optimizer
from tellapart.training.precision import set_precision

STEPS_AT_ONCE, PIXELS_AT_ONCE = 8, 2**20
"""At most so many steps, and pixels in them, between two looks at Python."""

SMALLER = 0.75
"""The share of its size at which a picture is seen while the training `grow`s: little more than half of the work."""

FIRST_LOOK = 2**26
"""First weights may be computed from so many bytes of pictures."""

SAVE_EVERY = 10.0
"""Seconds between two writings of weights to disk, which would cost a small training as much as its steps."""

ENDLESS = 1_000_000
"""Epochs of a training that ends by the clock."""


@dataclass(frozen=True)
class Trained:
    """A trained network with its best weights in it, an epoch's figures a row, and the epoch (from 1) they are of."""

    network: keras.Model
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float


class Batches(keras.utils.PyDataset):
    """uint8 pixels and float targets, a batch at a time, in an order that seed and epoch alone decide.

    Batches are as even as can be: a few pictures left over for a last batch of their own would, with an optimizer that
    normalises its steps, throw the weights about just before they are judged (tutorial B, one run each: 86.8 % with
    a last batch of 16, 89.2 % with even ones).
    """

    def __init__(
        self, data: Prepared, outputs: int, batch_size: int, seed: int | None, recipe: Recipe | None = None
    ) -> None:
        super().__init__()
        self.data, self.batch_size, self.seed, self.recipe = data, batch_size, seed, recipe
        self.outputs, self.epoch = outputs, 0
        self.order = self._shuffled()
        balance = recipe.balance if recipe else 0.0
        self.weights = class_weights(data.labels, balance, max(outputs, 2)) if balance else None

    def __len__(self) -> int:
        return math.ceil(len(self.data) / self.batch_size)

    def __getitem__(self, i: int) -> tuple[np.ndarray, ...]:
        count, batches = len(self.data), len(self)
        chosen = self.order[i * count // batches : (i + 1) * count // batches]
        pixels, wanted = self.data.pixels[chosen], targets(self.data.labels[chosen], self.outputs)
        if self.recipe is not None:
            rng = np.random.default_rng((self.seed or 0, self.epoch, i))
            pixels, wanted = mixed(pixels, wanted, self.recipe.augmentation, rng)
        return (pixels, wanted) if self.weights is None else (pixels, wanted, self._counts(wanted))

    def _counts(self, wanted: np.ndarray) -> np.ndarray:
        """How much each picture counts, float32 [n]: of blends, by the shares of their classes."""
        assert self.weights is not None
        shares = np.concatenate([1 - wanted, wanted], axis=1) if self.outputs == 1 else wanted
        return shares @ self.weights[: shares.shape[1]]

    def on_epoch_end(self) -> None:
        """Go on to the next epoch's order."""
        self.epoch += 1
        self.order = self._shuffled()

    def _shuffled(self) -> np.ndarray:
        if self.seed is None:
            return np.arange(len(self.data))
        return np.random.default_rng((self.seed, self.epoch)).permutation(len(self.data))


def class_weights(labels: np.ndarray, balance: float, classes: int) -> np.ndarray:
    """How much a picture of each class counts, float32 [classes]: by count ** -balance, 1 in the mean of the pictures.

    `labels` int [n]; a class without pictures counts 0.
    """
    counts = np.bincount(labels, minlength=classes).astype(float)
    weights = np.where(counts > 0, np.maximum(counts, 1) ** -balance, 0)
    return (weights * len(labels) / (weights * counts).sum()).astype(np.float32)


def targets(labels: np.ndarray, outputs: int) -> np.ndarray:
    """Labels [n] as the loss wants them: one-hot float32 [n, outputs], or [n, 1] for a one-output head."""
    if outputs == 1:
        return labels[:, np.newaxis].astype(np.float32)
    return np.eye(outputs, dtype=np.float32)[labels]


def train_network(
    recipe: Recipe,
    train: Prepared,
    validation: Prepared | None,
    classes: int,
    seed: int,
    precision: str,
    folder: Path,
    on_event: Listener,
    budget: Budget | None = None,
    evaluated: int = 0,
) -> Trained:
    """Train the recipe's network, computing in `precision` (float32 or bfloat16); it comes back in float32.

    With a `budget` the training lasts as long as that allows, whatever the recipe's epochs; `evaluated` is then the
    number of looks at pictures that evaluation will take afterwards. Writes into `folder` history.csv (a row an epoch)
    and, every few seconds and at the end, whatever ends it, checkpoints/best.weights.h5 and last.weights.h5. The result
    holds the weights of the epoch with the highest validation accuracy (ties: the lowest loss), or the last where there
    is no validation part. Raises RecipeError before, TrainingError when the loss is not finite.
    """
    set_seed(seed)
    network = _fresh_network(recipe, train, classes, precision)
    augmentation = recipe.augmentation.layers(seed)
    batches = Batches(train, network.output_shape[-1], recipe.batch_size, seed, recipe)
    at_once = steps_at_once(recipe.batch_size, train.pixels.shape[1:], len(batches))
    optimizer = make_optimizer(recipe, recipe.epochs * len(batches))
    optimizer.build(network.trainable_variables)  # made within the first step, they have it traced a second time
    held = len(validation) if validation else 0
    pace = Pace(budget, recipe.grow, len(batches), at_once, recipe.batch_size, held, evaluated) if budget else None
    watch = _Watch(network, recipe.epochs, len(train), folder, on_event, pace)
    callbacks = [
        _Epochs(augmentation),
        # Validation and `watch`, which keeps weights, then see the averaged ones.
        *([keras.callbacks.SwapEMAWeights(swap_on_epoch=True)] if recipe.average else []),
        *([pace] if pace else []),
        watch,
    ]

    def fit(size: float, until: int) -> None:
        """Train on with pictures of a part of their size, to the end of an epoch or, by the clock, of a phase."""
        model = _training_model(network, augmentation, size, recipe.name)
        model.compile(
            optimizer=optimizer,
            loss=make_loss(recipe, batches.outputs),
            metrics=["accuracy"],
            steps_per_execution=at_once,
            jit_compile=JIT,
        )
        model.fit(
            batches,
            initial_epoch=len(watch.history),
            epochs=until if pace is None else ENDLESS,
            validation_data=_held_out(validation, batches.outputs),
            callbacks=callbacks,
            shuffle=False,  # the batches come shuffled, by our own seed
            verbose=0,
        )

    began = time.monotonic()
    grown = round(recipe.grow * recipe.epochs)
    try:
        if recipe.grow and (pace or grown):
            fit(SMALLER, grown)
        if pace is None or not pace.over:
            fit(1.0, recipe.epochs)
    finally:  # what stopped a training must not cost what it had reached
        if watch.history:
            watch.save()
    seconds = time.monotonic() - began
    if budget is not None:
        budget.training_ended()
    network.set_weights(watch.best_weights)
    set_precision(network, "float32")
    unfuse(network)
    return Trained(network, watch.history, watch.best_epoch, seconds)


def _fresh_network(recipe: Recipe, train: Prepared, classes: int, precision: str) -> keras.Model:
    """The recipe's network with its first weights, ready to be trained in a precision."""
    network = build_network(recipe, train.pixels.shape[1:], classes)
    if recipe.initialise is not None:
        size = len(train) * int(np.prod(train.pixels.shape[1:]))
        recipe.initialise(network, train.pixels[:: max(1, len(train) // 5000, size // FIRST_LOOK)])
    add_penalties(network, recipe.l1, recipe.l2)
    set_precision(network, precision)
    fuse(network)
    return network


def _held_out(validation: Prepared | None, outputs: int) -> Batches | None:
    """The validation part as `fit` takes it."""
    return None if validation is None else Batches(validation, outputs, batch_for(validation.pixels.shape[1:]), None)


def _training_model(network: keras.Model, augmentation: list[keras.Layer], size: float, recipe: str) -> keras.Model:
    """The network behind its augmentation, for pictures shrunk to `size` of theirs: the same layers and weights.

    Raises RecipeError for a network that takes one size only.
    """
    inputs = x = keras.Input(network.input_shape[1:])
    for layer in augmentation:
        x = layer(x)
    if size == 1:
        return keras.Model(inputs, network(x))
    height, width, channels = network.input_shape[1:]
    small = (max(8, round(height * size)), max(8, round(width * size)))
    try:
        shared = keras.models.clone_model(
            network, input_tensors=keras.Input((*small, channels)), clone_function=lambda layer: layer
        )
    except ValueError as error:
        raise RecipeError(
            f"the network of {recipe} does not take pictures of {small[0]} x {small[1]} ({str(error).splitlines()[0]})",
            "for grow, a network that takes any size: pooled before its dense layers, not flattened",
            "set grow=0, or end the convolutions with GlobalMaxPooling2D",
        ) from error
    return keras.Model(inputs, shared(keras.layers.Resizing(*small)(x)))


def steps_at_once(batch_size: int, shape: tuple[int, ...], steps: int) -> int:
    """How many steps Keras runs between two looks at Python: its own bookkeeping weighs on small steps only."""
    if NAME == "torch":  # which has no other
        return 1
    return max(1, min(STEPS_AT_ONCE, PIXELS_AT_ONCE // (batch_size * shape[0] * shape[1]), steps))


class _Epochs(keras.callbacks.Callback):
    """Tells the layers that go by epochs which one it is."""

    def __init__(self, layers: list[keras.Layer]) -> None:
        super().__init__()
        self.layers = [layer for layer in layers if isinstance(layer, AlternateMirror)]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        for layer in self.layers:
            layer.epoch.assign(epoch)


class _Watch(keras.callbacks.Callback):
    """Tells the listener, writes the history, keeps the best weights and the last."""

    def __init__(
        self,
        network: keras.Model,
        epochs: int,
        pictures: int,
        folder: Path,
        on_event: Listener,
        pace: Pace | None,
    ) -> None:
        super().__init__()
        self.network, self.epochs, self.pictures = network, epochs, pictures
        self.folder, self.on_event, self.pace = folder, on_event, pace
        self.history: list[dict[str, float]] = []
        self.best, self.best_epoch = (-math.inf, -math.inf), 0
        self.best_weights: list[np.ndarray] = []
        self.saved = time.monotonic()
        (folder / "checkpoints").mkdir()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.began, self.epoch, self.said = time.monotonic(), epoch, 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras. Looking at the figures costs a wait for the device, so it is done a few times a second."""
        if time.monotonic() - self.said < 0.2:
            return
        self.said = time.monotonic()
        steps = max(self.params["steps"], 1)
        done = self.epoch + (batch + 1) / steps
        figures = {name: float(value) for name, value in (logs or {}).items()}
        total = round((self.pace.planned / steps if self.pace else self.epochs) * self.pictures)
        self.on_event(Progress("train", min(round(done * self.pictures), total), total, "pictures", figures))

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        row = {"epoch": epoch + 1} | {name: float(value) for name, value in (logs or {}).items()}
        row["seconds"] = round(time.monotonic() - self.began, 3)
        wild = next((name for name, value in row.items() if not math.isfinite(value)), None)
        if wild is not None:
            kept = f"; the weights of the epochs before are in {self.folder / 'checkpoints'}" if self.history else ""
            raise TrainingError(
                f"epoch {epoch + 1}: {wild} is {row[wild]}",
                "a finite number",
                f"train with a lower learning rate (--set learning_rate=...){kept}",
            )
        self.history.append(row)
        self._write_history()
        value = (row["val_accuracy"], -row["val_loss"]) if "val_accuracy" in row else (float(epoch), 0.0)
        if value > self.best:
            self.best, self.best_epoch, self.best_weights = value, epoch + 1, self.network.get_weights()
        if time.monotonic() - self.saved > SAVE_EVERY:
            self.save()
        planned = self.epochs if self.pace is None else math.ceil(self.pace.planned / max(self.params["steps"], 1))
        self.on_event(Epoch(epoch + 1, max(planned, epoch + 1), row))

    def save(self) -> None:
        """Write the last weights and the best to disk; there has to be an epoch's end behind us."""
        self.saved = time.monotonic()
        folder, last = self.folder / "checkpoints", self.network.get_weights()
        save_weights(self.network, folder / "last.weights.h5")
        self.network.set_weights(self.best_weights)
        save_weights(self.network, folder / "best.weights.h5")
        self.network.set_weights(last)

    def _write_history(self) -> None:
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, fieldnames=list(self.history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        write_text(self.folder / "history.csv", buffer.getvalue())


def save_weights(network: keras.Model, path: Path) -> None:
    """Write weights to `path` (it must end in .weights.h5), wholly or not at all."""
    temporary = path.with_name(f"new-{path.name}")
    network.save_weights(temporary, overwrite=True)
    temporary.replace(path)

"""The training itself: a compiled model, batches in a seeded order, the best weights; it goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.feeding import Prepared, batch_for
from tellapart.data.pixel_store import pixels_digest
from tellapart.errors import CheckpointError, RecipeError, TellapartError
from tellapart.files import sha256
from tellapart.networks.backend import JIT, describe, feed, keras, set_seed
from tellapart.networks.layers import AlternateMirror
from tellapart.progress import Listener, Note
from tellapart.recipes.build import build_network
from tellapart.recipes.recipe import Recipe
from tellapart.training.batches import Batches, steps_at_once
from tellapart.training.budget import EVALUATING, Budget, Pace
from tellapart.training.checkpoints import FOLDER, KEPT, Checkpoints
from tellapart.training.normalization import fuse, unfuse
from tellapart.training.optimizers import add_penalties, make_loss, make_optimizer
from tellapart.training.precision import set_precision
from tellapart.training.run import ROOM, lacking
from tellapart.training.saving import SAVE_EVERY, Averaged, Saving
from tellapart.training.shortage import check_memory, ran_out
from tellapart.training.stopping import Stopping
from tellapart.training.watch import Watch

SMALLER = 0.75
"""The share of its size at which a picture is seen while the training `grow`s: little more than half of the work."""

LARGER = 4
"""Looking keeps no outputs of layers, which learning needs again: batches may be so many times larger."""

FIRST_LOOK = 2**26
"""First weights may be computed from so many bytes of pictures."""

REPORT_BYTES = 8 * 2**20
"""Room for curves, report and records."""

ENDLESS = 1_000_000
"""Epochs of a training that ends by the clock."""


@dataclass(frozen=True)
class Trained:
    """A trained network with its best weights in it, an epoch's figures a row, and the epoch (from 1) they are of."""

    network: keras.Model
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float


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
    save_every: float = SAVE_EVERY,
) -> Trained:
    """Train the recipe's network, computing in `precision` (float32 or bfloat16); it comes back in float32.

    With a `budget` the training lasts as long as that allows, whatever the recipe's epochs; `evaluated` is then the
    number of looks at pictures that evaluation will take afterwards. Writes into `folder` history.csv (a row an epoch)
    and checkpoints/, about every `save_every` seconds (0: as often as it can) and at the end. Where there are
    checkpoints already, it goes on from the newest. The result holds the weights of the epoch with the highest
    validation accuracy (ties: the lowest loss), or the last where there is no validation split.

    Raises RecipeError before, CheckpointError where it cannot go on or has no room for what it will write,
    MemoryError where a step needs more than there is, TrainingError when the loss is not finite, and Stopped after
    Ctrl-C or SIGTERM, with what was reached kept.
    """
    set_seed(seed)
    network, description = _fresh_network(recipe, train, classes, precision)
    augmentation = recipe.augmentation.layers(seed)
    batches = Batches(train, network.output_shape[-1], recipe.batch_size, seed, recipe)
    steps = batches.in_all
    at_once = steps_at_once(recipe.batch_size, train.pixels.shape[1:], steps)
    optimizer = make_optimizer(recipe, recipe.epochs * steps)
    optimizer.build(network.trainable_variables)  # made within the first step, they have it traced a second time
    held = len(validation) if validation else 0
    held_out = _held_out(validation, batches.outputs, recipe.batch_size)
    afterwards = evaluated * EVALUATING[precision]
    pace = Pace(budget, recipe.grow, steps, at_once, recipe.batch_size, held, afterwards) if budget else None
    watch = Watch(network, recipe.epochs, batches, folder, on_event, pace)
    variables = {
        "network": list(network.variables),
        "optimizer": list(optimizer.variables),
        "augmentation": [variable for layer in augmentation for variable in layer.variables],
    }
    checkpoints = Checkpoints(folder / FOLDER)
    identity = _identity(recipe, train, validation, seed, precision) | {"network": description}
    stopping = Stopping()
    saving = Saving(
        checkpoints, variables, batches, watch, pace, budget, identity, save_every, stopping, on_event
    )  # fmt: skip
    before = checkpoints.newest(lambda text: on_event(Note(text)))
    if before is None:
        check_room(folder, variables)
    finished = before is not None and saving.restore(before)
    if before is not None and budget is not None:
        budget.go_on(before.values["in_all"])
    callbacks = [
        _Epochs(augmentation, batches),
        *([Averaged()] if recipe.average else []),  # those below then see the averaged weights
        *([pace] if pace else []),
        watch,
        saving,
    ]

    def fit(size: float, until: int) -> None:
        """Train on with pictures of a part of their size, to the end of an epoch or, by the clock, of a phase."""
        model = _training_model(network, augmentation, size, recipe.name)
        model.compile(
            optimizer=optimizer,
            loss=make_loss(recipe, batches.outputs),
            metrics=[_accuracy() if batches.outputs == 1 else "accuracy"],
            steps_per_execution=at_once,
            jit_compile=JIT,
        )
        while (epoch := len(watch.history)) < until and not (pace and pace.phase_over):
            batches.first = saving.place[1] if saving.place[0] == epoch else 0
            if pace:
                pace.first = batches.first
            try:
                model.fit(
                    feed(batches),
                    initial_epoch=epoch,
                    epochs=epoch + 1 if batches.first else until,  # an epoch that was broken off is a fit of its own
                    validation_data=held_out and feed(held_out),
                    callbacks=callbacks,
                    shuffle=False,  # the batches come shuffled, by our own seed
                    verbose=0,
                )
            except Exception as error:
                fault = batches.fault or (held_out and held_out.fault)
                if not fault:
                    raise
                raise fault from error

    grown = min(round(recipe.grow * recipe.epochs), recipe.epochs - 1)  # the last epoch sees whole pictures
    phases = [(1.0, recipe.epochs if pace is None else ENDLESS)]
    if recipe.grow and (pace or grown):
        phases.insert(0, (SMALLER, grown if pace is None else ENDLESS))
    with stopping:
        while not finished and saving.phase < len(phases):
            if pace:
                pace.begin(growing=saving.phase + 1 < len(phases))
            if pace is None or not pace.over:
                fit(*phases[saving.phase])
            saving.phase += 1
            if saving.phase < len(phases):
                watch.forget_best()
        if not finished:
            saving.place = (len(watch.history), 0)
            saving.save(finished=True)
            if stopping.asked:
                saving.stop(saving.place)
    seconds = saving.seconds if not finished else saving.spent
    if budget is not None:
        budget.training_ended()
    watch.write_history()
    network.set_weights(watch.best_weights)
    set_precision(network, "float32")
    unfuse(network)
    return Trained(network, watch.history, watch.best_epoch, seconds)


def _accuracy() -> keras.metrics.Metric:
    """Of one output: Keras's own would call no answer right where labels are blended (mixup, cutmix)."""

    def right(labels: Any, answers: Any) -> Any:
        return keras.ops.cast(keras.ops.equal(labels > 0.5, answers > 0.5), "float32")

    return keras.metrics.MeanMetricWrapper(right, name="accuracy")


def _identity(
    recipe: Recipe, train: Prepared, validation: Prepared | None, seed: int, precision: str
) -> dict[str, Any]:
    """What has to be the same where a training goes on, in plain values."""
    digest = hashlib.sha256()
    for part in [train, *([validation] if validation else [])]:
        digest.update(np.ascontiguousarray(part.labels).tobytes() + np.ascontiguousarray(part.indices).tobytes())
        digest.update(pixels_digest(part.pixels).encode())
    versions = {"backend": describe(), "keras": keras.__version__, "tellapart": version("tellapart")}
    return {
        "format": 2,  # of what is known of pictures and network
        "recipe": recipe.changes(),
        "pictures": digest.hexdigest(),
        "seed": seed,
        "precision": precision,
        "versions": versions,
    }


def check_room(folder: Path, variables: dict[str, list[Any]]) -> None:
    """Raise CheckpointError unless a disk has room for what a training with such variables writes."""
    size = sum(int(np.prod(v.shape)) * 4 for them in variables.values() for v in them)
    weights = sum(int(np.prod(v.shape)) * 4 for v in variables["network"])
    # Two checkpoints and a third that is being written, each with the best weights too; the model file with its twin,
    # twice while one replaces the other.
    needed = (KEPT + 1) * (size + weights) + 4 * weights + REPORT_BYTES
    if (free := lacking(folder, needed)) is not None:
        raise CheckpointError(f"{folder}: this training writes up to {needed:,} bytes, and {free:,} are free", *ROOM)


def _fresh_network(recipe: Recipe, train: Prepared, classes: int, precision: str) -> tuple[keras.Model, str]:
    """The recipe's network with its first weights, ready to be trained in a precision; a hash of what it is made of."""
    network = build_network(recipe, train.pixels.shape[1:], classes)
    check_memory(network, min(recipe.batch_size, len(train)))
    description = network_digest(network)
    if recipe.initialise is not None:
        size = len(train) * int(np.prod(train.pixels.shape[1:]))
        some = train.pixels[:: max(1, len(train) // 5000, size // FIRST_LOOK)]
        try:
            recipe.initialise(network, some)
        except Exception as error:
            if isinstance(error, TellapartError) or ran_out(error):
                raise
            raise RecipeError(
                f"initialise() of {recipe.name} stops with {type(error).__name__}: {error}",
                "def initialise(network, pixels): ... that sets weights",
                "correct it",
            ) from error
    add_penalties(network, recipe.l1, recipe.l2)
    set_precision(network, precision)
    fuse(network)
    return network, description


def network_digest(network: keras.Model) -> str:
    """A hash of what a network is made of, and of what goes into what. Names of layers count up in a process, so their
    places stand for them.
    """
    config = json.loads(network.to_json())["config"]
    places: dict[str, str] = {}

    def note(part: Any) -> None:
        if isinstance(part, dict) and isinstance(part.get("name"), str):
            places.setdefault(part["name"], f"#{len(places)}")
        for one in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            note(one)

    def placed(part: Any, named: bool = False) -> Any:
        """Only where a layer is meant: an activation may be called as a layer is."""
        if isinstance(part, dict):
            return {name: placed(one, name in ("name", *_BY_NAME)) for name, one in part.items()}
        if isinstance(part, list):
            return [placed(one, named) for one in part]
        return places.get(part, part) if named and isinstance(part, str) else part

    note(config)
    return sha256(json.dumps(placed(config), sort_keys=True).encode())


_BY_NAME = ("keras_history", "input_layers", "output_layers")
"""Where the description of a network names layers."""


def _held_out(validation: Prepared | None, outputs: int, batch_size: int) -> Batches | None:
    """The validation split in batches that take no more memory than a step does."""
    if validation is None:
        return None
    return Batches(validation, outputs, min(batch_for(validation.pixels.shape[1:]), LARGER * batch_size), None)


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


class _Epochs(keras.callbacks.Callback):
    """Tells the batches, and the layers that go by epochs, which one it is."""

    def __init__(self, layers: list[keras.Layer], batches: Batches) -> None:
        super().__init__()
        self.batches = batches
        self.layers = [layer for layer in layers if isinstance(layer, AlternateMirror)]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.batches.begin(epoch + 1)
        for layer in self.layers:
            layer.epoch.assign(epoch)

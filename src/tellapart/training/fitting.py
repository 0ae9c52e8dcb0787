"""The fits of a training: the compiled model, full-size or smaller pictures, one `keras.Model.fit` after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tellapart.data.feeding import Prepared, batch_for
from tellapart.errors import RecipeError
from tellapart.networks.backend import JIT, feed, keras
from tellapart.networks.head import rates_by_block
from tellapart.networks.layers import AlternateMirror
from tellapart.training.batches import Batches, steps_at_once
from tellapart.training.optimizers import make_loss, make_optimizer, scale_rates
from tellapart.training.pace import Pace
from tellapart.training.patience import Patience, out_of_patience
from tellapart.training.plan import Plan
from tellapart.training.session import Session
from tellapart.training.state import State

SMALLER = 0.75
"""The share of their size to which pictures are reduced while a training `grow`s: little more than half the work."""

LARGER = 4
"""Validation batches may be this many times larger: evaluating keeps no layer outputs for a gradient."""

ENDLESS = 1_000_000
"""Epochs of a training that the clock ends."""


class Fitting:
    """All that one training computes with: augmentation, batches, optimizer, and the fits over them."""

    def __init__(self, plan: Plan, network: keras.Model, train: Prepared, validation: Prepared | None) -> None:
        recipe = plan.recipe
        self.recipe, self.network = recipe, network
        self.augmentation = recipe.augmentation.layers(plan.seed)
        self.batches = Batches(train, network.output_shape[-1], recipe.batch_size, plan.seed, recipe)
        steps = self.batches.per_epoch
        self.steps_at_once = steps_at_once(recipe.batch_size, train.pixels.shape[1:], steps)
        self.optimizer = make_optimizer(recipe, recipe.epochs * steps)
        if recipe.layer_decay < 1:
            scale_rates(self.optimizer, rates_by_block(network, recipe.layer_decay))
        self.optimizer.build(network.trainable_variables)  # within the first step, that would be traced twice
        self.held_out = _held_out(validation, self.batches.outputs, recipe.batch_size)

    def variables(self) -> dict[str, list[Any]]:
        """All variables that a training changes, by group."""
        return {
            "network": list(self.network.variables),
            "optimizer": list(self.optimizer.variables),
            "augmentation": [variable for layer in self.augmentation for variable in layer.variables],
        }

    def run(
        self, state: State, callbacks: Sequence[keras.callbacks.Callback], pace: Pace | None, session: Session
    ) -> None:
        """Fit from the state on, to the end of the last phase."""
        phases = self._phases(by_clock=pace is not None)
        while state.phase < len(phases):
            if pace:
                pace.start_phase(growing=state.phase + 1 < len(phases))
            if pace is None or not pace.over:
                patience = Patience(self.recipe.patience, len(phases) - 1, state, session)
                around = [_Epochs(self.augmentation, self.batches), *callbacks, patience]
                self._fit(*phases[state.phase], state, around, pace)
            state.phase += 1
            if state.phase < len(phases):
                state.forget_best()

    def _phases(self, by_clock: bool) -> list[tuple[float, int]]:
        """Of each phase, the share of their size at which pictures are seen, and the epoch that ends it."""
        recipe = self.recipe
        phases = [(1.0, ENDLESS if by_clock else recipe.epochs)]
        grown = min(round(recipe.grow * recipe.epochs), recipe.epochs - 1)  # the last epoch sees full-size pictures
        if recipe.grow and (by_clock or grown):
            phases.insert(0, (SMALLER, ENDLESS if by_clock else grown))
        return phases

    def _fit(
        self,
        size: float,
        until: int,
        state: State,
        callbacks: Sequence[keras.callbacks.Callback],
        pace: Pace | None,
    ) -> None:
        """Train to the end of epoch `until` or, by the clock, of the phase, on pictures reduced to a share `size`."""
        patience = None if size < 1 else self.recipe.patience  # smaller pictures come first, for a share of the time
        model, state.size = self._compiled(size), size
        while (epoch := len(state.history)) < until and not (pace and pace.phase_over):
            if out_of_patience(patience, state):
                return
            self.batches.first = state.batch if state.epoch == epoch else 0
            if pace:
                pace.first = self.batches.first
            try:
                model.fit(
                    feed(self.batches),
                    initial_epoch=epoch,
                    epochs=epoch + 1 if self.batches.first else until,  # a resumed epoch gets a fit of its own
                    validation_data=self.held_out and feed(self.held_out),
                    callbacks=list(callbacks),
                    shuffle=False,  # the batches are shuffled already, by our own seed
                    verbose=0,
                )
            except Exception as error:
                fault = self.batches.fault or (self.held_out and self.held_out.fault)
                if not fault:
                    raise
                raise fault from error

    def _compiled(self, size: float) -> keras.Model:
        model = _training_model(self.network, self.augmentation, size, self.recipe.name)
        outputs = self.batches.outputs
        model.compile(
            optimizer=self.optimizer,
            loss=make_loss(self.recipe, outputs),
            metrics=[_accuracy(outputs)],
            steps_per_execution=self.steps_at_once,
            jit_compile=JIT,
        )
        return model


def _held_out(validation: Prepared | None, outputs: int, batch_size: int) -> Batches | None:
    """The validation split in batches that need no more memory than a training step."""
    if validation is None:
        return None
    return Batches(validation, outputs, min(batch_for(validation.pixels.shape[1:]), LARGER * batch_size), None)


def _accuracy(outputs: int) -> keras.metrics.Metric:
    """Accuracy, as an object: one named by a string makes its variables in the first step, which is then traced twice.

    For one output Keras's own counts every answer as wrong if labels are blended (mixup, cutmix).
    """
    if outputs > 1:
        return keras.metrics.CategoricalAccuracy(name="accuracy")

    def right(labels: Any, answers: Any) -> Any:
        return keras.ops.cast(keras.ops.equal(labels > 0.5, answers > 0.5), "float32")

    return keras.metrics.MeanMetricWrapper(right, name="accuracy")


def _training_model(network: keras.Model, augmentation: list[keras.Layer], size: float, recipe: str) -> keras.Model:
    """The augmentation and then the network, for pictures reduced to a share `size`: the same layers and weights.

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
    """Passes the number of the epoch to the batches, and to the layers that depend on it."""

    def __init__(self, layers: list[keras.Layer], batches: Batches) -> None:
        super().__init__()
        self.batches = batches
        self.layers = [layer for layer in layers if isinstance(layer, AlternateMirror)]

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.batches.begin(epoch + 1)
        for layer in self.layers:
            layer.epoch.assign(epoch)

"""Optimizers, schedules and losses by the names that recipes use, as Keras objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tellapart.networks.backend import keras
from tellapart.recipes.recipe import Recipe
from tellapart.training.lean_steps import make_lean
from tellapart.training.muon import Muon

_CLASSES = {
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "sgd": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adadelta": keras.optimizers.Adadelta,
    "adagrad": keras.optimizers.Adagrad,
    "nadam": keras.optimizers.Nadam,
    "lion": keras.optimizers.Lion,
}

MUON_MOMENTUM = 0.6
MUON_ADAM_SHARE = 0.04
"""The learning rate is that of kernels; everything else gets AdamW at this share of it."""


@keras.saving.register_keras_serializable("tellapart")
class WarmupThenFall(keras.optimizers.schedules.LearningRateSchedule):
    """Linear rise over the share `warmup` of all steps, then constant, linear to 0, or a half cosine to 0 at `steps`.

    `steps` is a number, or a variable if the end is not known in advance.
    """

    def __init__(self, kind: str, peak: float, warmup: float, steps: Any) -> None:
        self.kind, self.peak, self.warmup, self.steps = kind, peak, warmup, steps

    def __call__(self, step: Any) -> Any:
        """The rate at a step (from 0); every step of the training has a rate above 0."""
        ops = keras.ops
        step, steps = ops.cast(step, "float32"), ops.cast(self.steps, "float32")
        rising = self.warmup * steps
        done = ops.clip((step - rising) / ops.maximum(steps - rising, 1), 0.0, 1.0)
        fall: Any = 1.0
        if self.kind == "linear":
            fall = 1 - done
        elif self.kind == "cosine":
            fall = 0.5 * (1 + ops.cos(done * 3.14159265))
        return self.peak * ops.minimum((step + 1) / ops.maximum(rising, 1), fall) if self.warmup else self.peak * fall

    def get_config(self) -> dict[str, Any]:
        """For Keras."""
        return {"kind": self.kind, "peak": self.peak, "warmup": self.warmup, "steps": float(self.steps)}


def make_optimizer(recipe: Recipe, steps: int) -> keras.Optimizer:
    """The recipe's optimizer, whose schedule lasts `steps` steps; `plan_steps` can change that."""
    optimizer = _scheduled(recipe, steps)
    make_lean(optimizer)
    optimizer.finalize_variable_values = _keep_weights
    return optimizer


def _scheduled(recipe: Recipe, steps: int) -> keras.Optimizer:
    if recipe.schedule == "constant" and not recipe.warmup:
        return _optimizer(recipe, recipe.learning_rate)
    rate = WarmupThenFall(recipe.schedule, recipe.learning_rate, recipe.warmup, float(steps))
    optimizer = _optimizer(recipe, rate)
    # One of the optimizer's own variables: on every backend it is part of the step's state and of a checkpoint.
    rate.steps = optimizer.add_variable((), initializer=keras.initializers.Constant(steps), name="planned_steps")
    return optimizer


def scale_rates(optimizer: keras.Optimizer, factors: Mapping[str, float]) -> None:
    """Multiply the learning rate of each variable by its factor, by the variable's path; others keep theirs."""
    step = optimizer.update_step

    def scaled(gradient: Any, variable: Any, rate: Any) -> Any:
        own = optimizer._trainable_variables[optimizer._get_variable_index(variable)]  # TensorFlow's has no path
        return step(gradient, variable, rate * factors.get(own.path, 1.0))

    optimizer.update_step = scaled


def _keep_weights(variables: list[Any]) -> None:
    """Replaces what puts averaged weights into the network at the end of a `fit`: a training may have several."""


def plan_steps(optimizer: keras.Optimizer, steps: float) -> None:
    """Let the schedule end after `steps` steps in total."""
    rate = optimizer._learning_rate  # Keras's `learning_rate` is the rate of the moment
    if isinstance(rate, WarmupThenFall):
        rate.steps.assign(steps)


def _optimizer(recipe: Recipe, rate: Any) -> keras.Optimizer:
    options: dict[str, Any] = {"learning_rate": rate}
    if recipe.average:
        options |= {"use_ema": True, "ema_momentum": recipe.average}
    if recipe.optimizer == "muon":
        options |= {"momentum": recipe.momentum or MUON_MOMENTUM, "adam_share": MUON_ADAM_SHARE}
        return Muon(**options, adam_decay=recipe.weight_decay)
    if recipe.optimizer in ("sgd", "rmsprop"):
        options["momentum"] = recipe.momentum
    if recipe.optimizer == "sgd":
        options["nesterov"] = recipe.nesterov
    if recipe.weight_decay or recipe.optimizer == "adamw":  # AdamW's own default is not 0
        options["weight_decay"] = recipe.weight_decay
    optimizer = _CLASSES[recipe.optimizer](**options)
    if recipe.weight_decay:  # decay pulls kernels towards 0; gains and biases have no reason to be small
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


def make_loss(recipe: Recipe, outputs: int) -> keras.Loss:
    """The recipe's loss for a network with this number of outputs (1: a sigmoid head)."""
    if recipe.loss == "mean-squared-error":
        return _SmoothedSquares(recipe.label_smoothing, max(outputs, 2))
    if outputs == 1:
        return keras.losses.BinaryCrossentropy(label_smoothing=recipe.label_smoothing)
    return keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)


class _SmoothedSquares(keras.losses.Loss):
    """Keras's MeanSquaredError with label smoothing, as in its cross-entropies."""

    def __init__(self, smoothing: float, classes: int) -> None:
        super().__init__(name="mean_squared_error")
        self.smoothing, self.classes = smoothing, classes

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """See Keras."""
        labels = y_true * (1 - self.smoothing) + self.smoothing / self.classes
        return keras.losses.mean_squared_error(labels, y_pred)


def add_penalties(network: keras.Model, l1: float, l2: float) -> None:
    """Put an L1 and L2 penalty on every kernel. It applies in training only and is not saved."""
    if not (l1 or l2):
        return
    for variable in network.trainable_variables:
        if variable.name.endswith("kernel"):
            variable.regularizer = keras.regularizers.L1L2(l1=l1, l2=l2)

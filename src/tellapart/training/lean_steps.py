"""Steps of Keras's optimizers in fewer operations: what is the same for all weights is computed once per step.

Keras computes the learning rate, the powers of Adam's decay rates and the momentum of the running average for each
variable again. For a network of a hundred variables that is most of the graph of a training step, which takes seconds
to build.
"""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import NAME, keras
from tellapart.networks.fused_adam import fuse_adam


def make_lean(optimizer: keras.Optimizer) -> None:
    """Exchange parts of an optimizer's step for ones that compute the same, on backends that trace a step."""
    if NAME == "torch":  # which has steps for all variables at once
        return
    optimizer._apply_weight_decay = lambda variables: _decay(optimizer, variables)
    optimizer._update_model_variables_moving_average = lambda variables: _average(optimizer, variables)
    adam = type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad
    if NAME == "tensorflow" and adam:
        fuse_adam(optimizer)


def _decay(optimizer: keras.Optimizer, variables: list[Any]) -> None:
    """Decoupled weight decay: each variable less its product with the learning rate and the decay."""
    if optimizer.weight_decay is None:
        return
    kept = 1 - keras.ops.cast(optimizer.learning_rate, "float32") * optimizer.weight_decay
    for variable in variables:
        if optimizer._use_weight_decay(variable):
            optimizer.assign(variable, variable * keras.ops.cast(kept, variable.dtype))


def _average(optimizer: keras.Optimizer, variables: list[Any]) -> None:
    """The running average of the variables; after the first step, the variables themselves."""
    if not optimizer.use_ema:
        return
    ops = keras.ops
    new = 1 - optimizer.ema_momentum * ops.cast(ops.not_equal(optimizer.iterations, 0), "float32")
    for variable, average in zip(variables, optimizer._model_variables_moving_average, strict=True):
        if average is not None:
            average.assign(average + (variable - average) * ops.cast(new, variable.dtype))

"""Steps of Keras's optimizers in fewer operations: what is the same for all weights is computed once per step.

Keras computes the learning rate, the powers of Adam's decay rates and the momentum of the running average for each
variable again. For a network of a hundred variables that is most of the graph of a training step, which takes seconds
to build.
"""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import NAME, keras


def make_lean(optimizer: keras.Optimizer) -> None:
    """Exchange parts of an optimizer's step for ones that compute the same, on backends that trace a step."""
    if NAME == "torch":  # which has steps for all variables at once
        return
    optimizer._apply_weight_decay = lambda variables: _decay(optimizer, variables)
    optimizer._update_model_variables_moving_average = lambda variables: _average(optimizer, variables)
    adam = type(optimizer) in (keras.optimizers.Adam, keras.optimizers.AdamW) and not optimizer.amsgrad
    if NAME == "tensorflow" and adam:
        _fuse_adam(optimizer)


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


def _fuse_adam(optimizer: keras.optimizers.Adam) -> None:
    """Let TensorFlow compute Adam's step of a variable in one operation."""
    import tensorflow as tf

    powers: list[Any] = []
    plain, all_steps = optimizer.update_step, optimizer._backend_update_step

    def steps(gradients: list[Any], variables: list[Any], rate: Any) -> None:
        number = tf.cast(optimizer.iterations.value + 1, tf.float32)
        powers[:] = [tf.pow(optimizer.beta_1, number), tf.pow(optimizer.beta_2, number)]
        all_steps(gradients, variables, rate)
        powers.clear()

    def step(gradient: Any, variable: Any, rate: Any) -> None:
        if isinstance(gradient, tf.IndexedSlices) or variable.dtype != tf.float32 or not powers:
            plain(gradient, variable, rate)
            return
        index = optimizer._get_variable_index(variable)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=optimizer._momentums[index].value.handle,
            v=optimizer._velocities[index].value.handle,
            beta1_power=powers[0],
            beta2_power=powers[1],
            lr=tf.cast(rate, tf.float32),
            beta1=optimizer.beta_1,
            beta2=optimizer.beta_2,
            epsilon=optimizer.epsilon,
            grad=tf.cast(gradient, tf.float32),
        )

    optimizer.update_step, optimizer._backend_update_step = step, steps

"""Adam's step of a variable as one operation of TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tellapart.networks.backend import keras


def fuse_adam(optimizer: keras.optimizers.Adam) -> None:
    """Exchange the step of Keras's Adam or AdamW for TensorFlow's operation, which computes the same."""
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

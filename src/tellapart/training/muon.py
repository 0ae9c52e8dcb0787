"""Muon for convolution kernels, AdamW for everything else.

Muon (Jordan and others 2024, kellerjordan.github.io/posts/muon) turns the momentum of a kernel into its nearest
orthogonal matrix before the step, so that all directions are trained at the same pace. Keras's own Muon uses
AdamW for every variable that is not 2-D, convolution kernels among them; this one treats a kernel [height, width, in,
out] as the matrix [out, height * width * in].
"""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import keras

_COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the published quintic: fast at first, loose at the end
_STEPS = 3


@keras.saving.register_keras_serializable("tellapart")
class Muon(keras.optimizers.Optimizer):
    """Muon with Nesterov momentum at `learning_rate` for kernels; AdamW at `adam_share` of it for the rest."""

    def __init__(
        self,
        learning_rate: Any = 0.24,
        momentum: float = 0.6,
        adam_share: float = 0.04,
        adam_decay: float = 0.0,
        name: str = "muon",
        **options: Any,
    ) -> None:
        super().__init__(learning_rate=learning_rate, name=name, **options)
        self.momentum, self.adam_share, self.adam_decay = momentum, adam_share, adam_decay

    def build(self, variables: list[Any]) -> None:
        """Create the momentum variables."""
        if self.built:
            return
        super().build(variables)
        self.firsts = [self.add_variable_from_reference(v, "first") for v in variables]
        self.seconds: list[Any] = [
            None if _is_kernel(v) else self.add_variable_from_reference(v, "second") for v in variables
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """One step of one variable."""
        ops = keras.ops
        index = self._get_variable_index(variable)
        scale = ops.cast(learning_rate, variable.dtype)
        gradient = ops.cast(gradient, variable.dtype)
        if not _is_kernel(variable):
            self._adam(gradient, variable, scale, index)
            return
        first = self.firsts[index]
        self.assign(first, first * self.momentum + gradient)
        step = orthogonal(gradient + self.momentum * first)
        # The kernel keeps the norm of an orthogonal matrix, sqrt(out): batch normalisation makes its size meaningless.
        size = ops.sqrt(ops.cast(variable.shape[-1], variable.dtype))
        held = variable * (size / (ops.norm(ops.reshape(variable, (-1,))) + 1e-7))
        self.assign(variable, held - scale * step)

    def _adam(self, gradient: Any, variable: Any, scale: Any, index: int) -> None:
        ops = keras.ops
        first, second = self.firsts[index], self.seconds[index]
        step = ops.cast(self.iterations + 1, variable.dtype)
        self.assign(first, 0.9 * first + 0.1 * gradient)
        self.assign(second, 0.99 * second + 0.01 * ops.square(gradient))
        mean = first / (1 - ops.power(ops.cast(0.9, variable.dtype), step))
        variance = second / (1 - ops.power(ops.cast(0.99, variable.dtype), step))
        decay = 1 - scale * self.adam_share * (self.adam_decay if len(variable.shape) == 2 else 0.0)
        self.assign(variable, variable * decay - scale * self.adam_share * mean / (ops.sqrt(variance) + 1e-8))

    def get_config(self) -> dict[str, Any]:
        """For Keras."""
        own = {name: getattr(self, name) for name in ("momentum", "adam_share", "adam_decay")}
        return super().get_config() | own


def orthogonal(kernel: Any) -> Any:
    """About the nearest orthogonal matrix to a kernel [height, width, in, out], by Newton-Schulz steps; same shape."""
    ops = keras.ops
    a, b, c = _COEFFICIENTS
    x = ops.reshape(kernel, (-1, kernel.shape[-1]))
    tall = x.shape[0] >= x.shape[1]
    x = ops.transpose(x) if tall else x  # rows are the shorter side, so the products below are small
    x = x / (ops.norm(x) + 1e-7)
    for _ in range(_STEPS):
        product = ops.matmul(x, ops.transpose(x))
        x = a * x + ops.matmul(b * product + c * ops.matmul(product, product), x)
    x = ops.transpose(x) if tall else x
    return ops.reshape(x, kernel.shape)


def _is_kernel(variable: Any) -> bool:
    return len(variable.shape) == 4

"""Keras layers of our own for training only: they are not part of a saved network."""

from __future__ import annotations

from typing import Any

from tellapart.recipes.backend import keras


@keras.saving.register_keras_serializable("tellapart")
class Shift(keras.layers.Layer):
    """Moves each picture by whole pixels, up to a fraction of its size each way; what comes in is the edge's mirror.

    Rows and columns are picked by products with one-hot matrices: exact for pixels, on every backend, and without the
    interpolation that makes Keras's own translation dear on a CPU.
    """

    def __init__(self, fraction: float, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.fraction, self.seed = fraction, seed
        self.generator = keras.random.SeedGenerator(seed)

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Float [n, height, width, channels] in and out."""
        if not training:
            return pictures
        height, width = pictures.shape[1:3]
        rows = self._picked(keras.ops.shape(pictures)[0], height)
        columns = self._picked(keras.ops.shape(pictures)[0], width)
        moved = keras.ops.einsum("nij,njwc->niwc", rows, pictures)
        return keras.ops.einsum("nkw,niwc->nikc", columns, moved)

    def get_config(self) -> dict[str, Any]:
        """For Keras."""
        return super().get_config() | {"fraction": self.fraction, "seed": self.seed}

    def _picked(self, count: Any, size: int) -> Any:
        """One-hot [count, size, size]: for each picture, which old row (or column) each new one is."""
        ops = keras.ops
        limit = min(max(1, round(self.fraction * size)), size - 1)
        moves = keras.random.randint((count, 1), -limit, limit + 1, seed=self.generator)
        places = ops.abs(ops.arange(size)[None, :] + moves)
        places = ops.where(places >= size, 2 * (size - 1) - places, places)
        return ops.one_hot(places, size, dtype=self.compute_dtype)

"""Augmentation layers for training only; a saved network does not contain them."""

from __future__ import annotations

from typing import Any

from tellapart.networks.backend import keras

MIDDLE = 127.5
"""Middle grey, for pixels in 0..255."""


class _RandomLayer(keras.layers.Layer):
    """A layer whose random change is limited by a fraction, seeded."""

    def __init__(self, fraction: float, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.fraction, self.seed = fraction, seed
        self.generator = keras.random.SeedGenerator(seed)

    def get_config(self) -> dict[str, Any]:
        """For Keras."""
        result: dict[str, Any] = super().get_config() | {"fraction": self.fraction, "seed": self.seed}
        return result


@keras.saving.register_keras_serializable("tellapart")
class Shift(_RandomLayer):
    """Moves each picture by whole pixels, up to a fraction of its size in each direction; edges are reflected.

    Products with one-hot matrices select rows and columns: exact for pixels on every backend, and without the
    interpolation that makes Keras's RandomTranslation slow on a CPU.
    """

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Float [n, height, width, channels] in and out."""
        if not training:
            return pictures
        height, width = pictures.shape[1:3]
        rows = self._selection(keras.ops.shape(pictures)[0], height)
        columns = self._selection(keras.ops.shape(pictures)[0], width)
        moved = keras.ops.einsum("nij,njwc->niwc", rows, pictures)
        return keras.ops.einsum("nkw,niwc->nikc", columns, moved)

    def _selection(self, count: Any, size: int) -> Any:
        """One-hot [count, size, size]: for each picture, the old row (or column) that each new one copies."""
        ops = keras.ops
        limit = min(max(1, round(self.fraction * size)), size - 1)
        moves = keras.random.randint((count, 1), -limit, limit + 1, seed=self.generator)
        positions = ops.abs(ops.arange(size)[None, :] + moves)
        positions = ops.where(positions >= size, 2 * (size - 1) - positions, positions)
        return ops.one_hot(positions, size, dtype=self.compute_dtype)


@keras.saving.register_keras_serializable("tellapart")
class Crop(_RandomLayer):
    """Crops each picture at random and resizes the crop to the picture's size.

    A crop has at least 1 - fraction of the area, and 3:4 to 4:3 of the picture's aspect ratio. Products with matrices
    of linear weights resize rows, then columns: gathering single pixels makes Keras's layer slow on a CPU. Source: the
    random crops of Szegedy and others 2015, arXiv:1409.4842.
    """

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Float [n, height, width, channels] in and out."""
        if not training:
            return pictures
        ops = keras.ops
        count, (height, width) = ops.shape(pictures)[0], pictures.shape[1:3]
        area = keras.random.uniform((count, 1), 1 - self.fraction, 1, seed=self.generator, dtype="float32")
        shape = ops.exp(keras.random.uniform((count, 1), -_LOG_SHAPE, _LOG_SHAPE, seed=self.generator, dtype="float32"))
        rows = self._weights(ops.minimum(ops.sqrt(area * shape), 1.0), height)
        columns = self._weights(ops.minimum(ops.sqrt(area / shape), 1.0), width)
        cut = ops.einsum("nij,njwc->niwc", rows, pictures)
        return ops.einsum("nkw,niwc->nikc", columns, cut)

    def _weights(self, share: Any, size: int) -> Any:
        """[count, size, size]: the weight of each old row (or column) in each new one; `share` float [count, 1]."""
        ops = keras.ops
        first = keras.random.uniform(ops.shape(share), seed=self.generator, dtype="float32") * (1 - share)
        positions = (first + share * ((ops.arange(size, dtype="float32")[None, :] + 0.5) / size)) * size - 0.5
        positions = ops.clip(positions, 0.0, float(size - 1))
        weights = ops.maximum(0.0, 1 - ops.abs(positions[:, :, None] - ops.arange(size, dtype="float32")))
        return ops.cast(weights, self.compute_dtype)


_LOG_SHAPE = 0.28768207245178085
"""The logarithm of 4:3."""


@keras.saving.register_keras_serializable("tellapart")
class Colour(_RandomLayer):
    """Changes the saturation of each picture and scales each of its channels, by up to a fraction."""

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Float [n, height, width, channels] in and out; grey pictures change only in brightness."""
        if not training:
            return pictures
        ops = keras.ops
        count, channels = ops.shape(pictures)[0], pictures.shape[3]
        grey = ops.mean(pictures, axis=3, keepdims=True)
        changed = grey + (pictures - grey) * self._factor((count, 1, 1, 1))
        return ops.clip(changed * self._factor((count, 1, 1, channels)), 0, 255)

    def _factor(self, shape: tuple[Any, ...]) -> Any:
        return keras.random.uniform(
            shape, 1 - self.fraction, 1 + self.fraction, seed=self.generator, dtype=self.compute_dtype
        )


@keras.saving.register_keras_serializable("tellapart")
class AlternateMirror(keras.layers.Layer):
    """Mirrors each picture left to right in every other epoch, so that two consecutive epochs show both versions.

    The parity of the sum of a picture's pixels decides which epochs: it is the same for the same picture and seed.
    `epoch` is a variable that the training loop sets. Source: airbench
    (Jordan 2024, arXiv:2404.00498, section 3.6).
    """

    def __init__(self, seed: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.seed = seed
        self.epoch = self.add_weight(shape=(), dtype="int32", initializer="zeros", trainable=False, name="epoch")

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Float [n, height, width, channels] of whole numbers in, mirrored or not out."""
        if not training:
            return pictures
        ops = keras.ops
        sums = ops.sum(ops.cast(pictures, "int32"), axis=(1, 2, 3), keepdims=True)
        return ops.where((sums + self.epoch + self.seed) % 2 == 1, ops.flip(pictures, axis=2), pictures)

    def get_config(self) -> dict[str, Any]:
        """For Keras."""
        result: dict[str, Any] = super().get_config() | {"seed": self.seed}
        return result


@keras.saving.register_keras_serializable("tellapart")
class Cutout(_RandomLayer):
    """Greys out one square of each picture, of a fraction of its size, at a random position that may overlap the edge.

    Source: DeVries and Taylor 2017, arXiv:1708.04552.
    """

    def call(self, pictures: Any, training: bool = False) -> Any:
        """Float [n, height, width, channels] in and out."""
        if not training:
            return pictures
        ops = keras.ops
        count, (height, width) = ops.shape(pictures)[0], pictures.shape[1:3]
        rows, columns = self._outside(count, height), self._outside(count, width)
        kept = ops.cast(ops.logical_or(rows[:, :, None], columns[:, None, :])[..., None], pictures.dtype)
        return pictures * kept + MIDDLE * (1 - kept)

    def _outside(self, count: Any, size: int) -> Any:
        """Bool [count, size]: the rows (or columns) outside the square."""
        ops = keras.ops
        side = max(1, round(self.fraction * size))
        first = keras.random.randint((count, 1), 1 - side, size, seed=self.generator)
        positions = ops.arange(size)[None, :]
        return ops.logical_or(positions < first, positions >= first + side)

"""Batches for training steps: pictures and targets, in an order that only seed and epoch decide."""

from __future__ import annotations

import math

import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.networks.backend import NAME, keras
from tellapart.recipes.recipe import Recipe
from tellapart.training.class_weights import class_weights
from tellapart.training.mixing import mixed

STEPS_AT_ONCE, PIXELS_AT_ONCE = 8, 2**20
"""At most this many steps, and pixels in them, run between two returns to Python."""


class Batches(keras.utils.PyDataset):
    """uint8 pixels and float targets, a batch at a time, in an order that only seed and epoch decide.

    Batches are as even as possible. With an optimizer that normalises its steps, a small last batch would disturb the
    weights just before they are evaluated (tutorial B, one run each: 86.8 % with a last batch of 16, 89.2 % with even
    ones).
    """

    def __init__(
        self, data: Prepared, outputs: int, batch_size: int, seed: int | None, recipe: Recipe | None = None
    ) -> None:
        super().__init__()
        self.data, self.batch_size, self.seed, self.recipe = data, batch_size, seed, recipe
        self.outputs = outputs
        self.first = 0
        """Batches of the epoch that an earlier process did."""
        self.fault: Exception | None = None
        """What went wrong while a batch was read, if the backend wraps it in an error of its own."""
        self.begin(0)
        balance = recipe.balance if recipe else 0.0
        self.weights = class_weights(data.labels, balance, max(outputs, 2)) if balance else None

    @property
    def per_epoch(self) -> int:
        """Batches of a whole epoch."""
        return math.ceil(len(self.data) / self.batch_size)

    def __len__(self) -> int:
        return self.per_epoch - self.first

    def __getitem__(self, i: int) -> tuple[np.ndarray, ...]:
        i += self.first
        chosen = self.order[self.pictures(i) : self.pictures(i + 1)]
        pixels, wanted = self.data.pixels[chosen], targets(self.data.labels[chosen], self.outputs)
        if self.recipe is not None:
            rng = np.random.default_rng((self.seed or 0, self.epoch, i))
            pixels, wanted = mixed(pixels, wanted, self.recipe.augmentation, rng)
        return (pixels, wanted) if self.weights is None else (pixels, wanted, self._counts(wanted))

    def pictures(self, batches: int) -> int:
        """The number of pictures in the first `batches` batches of an epoch."""
        return batches * len(self.data) // self.per_epoch

    def _counts(self, wanted: np.ndarray) -> np.ndarray:
        """The weight of each picture, float32 [n]; blended pictures by the shares of their classes."""
        assert self.weights is not None
        shares = np.concatenate([1 - wanted, wanted], axis=1) if self.outputs == 1 else wanted
        return shares @ self.weights[: shares.shape[1]]

    def begin(self, epoch: int) -> None:
        """Draw the order of an epoch."""
        self.epoch, count = epoch, len(self.data)
        self.order = (
            np.arange(count) if self.seed is None else np.random.default_rng((self.seed, epoch)).permutation(count)
        )


def targets(labels: np.ndarray, outputs: int) -> np.ndarray:
    """Targets for the loss: labels [n] as one-hot float32 [n, outputs], or [n, 1] for a head with one output."""
    if outputs == 1:
        return labels[:, np.newaxis].astype(np.float32)
    return np.eye(outputs, dtype=np.float32)[labels]


def steps_at_once(batch_size: int, shape: tuple[int, ...], steps: int) -> int:
    """How many steps Keras runs between two returns to Python; more than one pays for small steps only."""
    if NAME == "torch":  # which runs one at a time only
        return 1
    return max(1, min(STEPS_AT_ONCE, PIXELS_AT_ONCE // (batch_size * shape[0] * shape[1]), steps))

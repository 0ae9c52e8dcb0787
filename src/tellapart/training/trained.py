"""What comes out of a training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

    from tellapart.training.logistic import LinearHead


@dataclass(frozen=True)
class Trained:
    """A network with its best weights, which belong to `best_epoch` (from 1), and the history, a row an epoch.

    `recipe` is the one it was trained with: its batch may be smaller than planned, if memory was short. A frozen
    backbone has a `head` on its features instead of a `network`. Fine-tuning starts from the head `start`, and
    `best_epoch` is 0 if it did not improve on that.
    """

    network: keras.Model | None
    recipe: Recipe
    history: list[dict[str, float]]
    best_epoch: int
    seconds: float
    head: LinearHead | None = None
    start: LinearHead | None = None

"""The recipe `quick` with a network of one stage: all that `quick` does, at a fraction of its tracing and its steps.

For tests of trainings where the size of the network is not the point. It has what can go wrong in one: a frozen layer
that is computed from the pictures, a kernel that Muon steps, batch normalisation with moving values, any picture size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tellapart.networks.stages import first_weights
from tellapart.recipes.augmentation import Augmentation
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def network(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Whitening, one convolution, batch normalisation, global max-pooling, softmax."""
    from tellapart.networks.backend import keras
    from tellapart.networks.stages import OFFSET, SCALE, WHITENING, convolution, normalised

    layers = keras.layers
    inputs = keras.Input(shape)
    x = layers.Rescaling(SCALE, offset=OFFSET)(inputs)
    x = layers.Conv2D(8 * shape[2], 2, activation="relu", padding="same", trainable=False, name=WHITENING)(x)
    x = layers.GlobalMaxPooling2D()(normalised(convolution(x, 16)))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


RECIPE = Recipe(
    name="small",
    network=network,
    initialise=first_weights,
    augmentation=Augmentation(flip="auto", shift=0.05),
    optimizer="muon",
    learning_rate=0.12,
    schedule="linear",
    warmup=0.1,
    weight_decay=0.01,
)

"""fashion-3conv - three convolutions and a small dense layer for grey 28 x 28; the second tutorial system.

Data: Fashion-MNIST, also from a pixel CSV. Network: convolutions of 32, 64 and 64 filters 3 x 3 with pooling, dense 64.
Trained with RMSprop on cross-entropy, batch 512, 15 epochs.

Measured: 89.00 % on the test split of Fashion-MNIST, 15 epochs in 61 s on 2 cores of an AMD EPYC (bfloat16), Keras
3.15.1 on TensorFlow 2.21, November 2026, one run: tellapart train fashion-csv --recipe fashion-3conv --validation 0.3
--seed 42 --classes fashion-csv/classes.txt
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def network(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Conv 32, pool, Conv 64, pool, Conv 64, flatten, Dense 64, softmax."""
    from tellapart.networks.backend import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input(shape),
            layers.Rescaling(1 / 255),
            layers.Conv2D(32, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 3, activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(classes, activation="softmax"),
        ]
    )


RECIPE = Recipe(
    name="fashion-3conv",
    network=network,
    height=28,
    width=28,
    colour="grey",
    optimizer="rmsprop",
    batch_size=512,
    epochs=15,
)

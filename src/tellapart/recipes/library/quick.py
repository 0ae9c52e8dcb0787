"""quick - a small modern CNN for small pictures of any kind; the default.

Network: a 3 x 3 stem, then stages of two 3 x 3 convolutions with max-pooling, batch normalisation and GELU, as many as
the size allows; global max-pooling; softmax. Trained with AdamW on cross-entropy, label smoothing 0.1, batch 64 or 128,
4 to 16 epochs, a warm-up and a cosine fall of the rate, pictures shifted by up to 8 %. Descends from hlb-CIFAR10 and
airbench94 (Jordan, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, 2024, arXiv:2404.00498).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tellapart.recipes.augmentation import Augmentation
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def network(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Rescaling, Conv 16, then 2 to 4 stages (32, 64, 64, 128), global max-pooling, softmax."""
    from tellapart.recipes.backend import keras

    layers = keras.layers

    def normalised(x: keras.KerasTensor) -> keras.KerasTensor:
        return layers.Activation("gelu")(layers.BatchNormalization(momentum=0.9)(x))

    def convolution(x: keras.KerasTensor, filters: int) -> keras.KerasTensor:
        return layers.Conv2D(filters, 3, padding="same", use_bias=False)(x)

    stages = max(2, min(4, round(math.log2(min(shape[:2]))) - 2))
    inputs = keras.Input(shape)
    x = layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    x = normalised(convolution(x, 16))
    for filters in (32, 64, 64, 128)[:stages]:
        x = convolution(x, filters)
        if min(x.shape[1:3]) > 1:
            x = layers.MaxPooling2D()(x)
        x = normalised(x)
        x = normalised(convolution(x, filters))
    x = layers.GlobalMaxPooling2D()(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(x))


def adapt(recipe: Recipe, pictures: int, shape: tuple[int, int, int]) -> Recipe:
    """Small collections are looked at more often, 4 to 16 times, in smaller batches."""
    batch = 128 if pictures >= 20_000 else 64
    epochs = min(16, max(4, round(216_000 / pictures)))
    return recipe.model_copy(update={"batch_size": batch, "epochs": epochs})


RECIPE = Recipe(
    name="quick",
    network=network,
    augmentation=Augmentation(shift=0.08),
    label_smoothing=0.1,
    optimizer="adamw",
    learning_rate=0.005,
    schedule="cosine",
    warmup=0.15,
    weight_decay=0.01,
)

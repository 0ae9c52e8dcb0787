"""photos - a residual CNN for photos of 64 to 256 pixels, from scratch.

Network: a frozen convolution with stride 2 that whitens patches of 3 x 3 pixels, computed from the training pictures;
stages of a convolution with max-pooling and a residual block of two convolutions, until 2 to 5 rows are left; global
average and max-pooling; dropout; softmax. Trained with Muon on cross-entropy with label smoothing; the learning rate
falls linearly. Augmentation: random crops, brightness and colour; mirroring, if a quick test shows that it is harmless;
CutMix for small collections, which the network would otherwise overfit. In the first half of the training, pictures are
smaller. Prediction averages six TTA views. The number of epochs depends on the number of pictures.

Measured on 2 cores: cats and dogs at 64 x 64, 7,200 training photos: 93.3 % of 2,000 test photos, 92.4 % without TTA,
in 6 minutes (two seeds; benchmarks/training.py photos); at 128 x 128 95.4 % and 94.7 %, in 10 minutes. Five kinds of
flowers, 3,104 photos of 128 x 128, enlarged from about 32 x 32: 74.6 % of 867, in 6 minutes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tellapart.networks.stages import LARGE, OFFSET, SCALE, WHITENING, convolution, first_weights, normalised
from tellapart.recipes.augmentation import Augmentation
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras

WIDTHS = (32, 64, 128, 256, 256)
"""Filters of the stages; pictures below 96 pixels need fewer stages and start with the second."""

CUTMIX = 0.4
"""For small collections: the shares of the two pictures are from Beta(0.4, 0.4), mostly close to 0 and 1."""


def network(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Whitening, halving stages with residual blocks, global pooling, softmax."""
    from tellapart.networks.backend import keras

    layers = keras.layers
    inputs = keras.Input(shape)
    x = layers.Rescaling(SCALE, offset=OFFSET)(inputs)
    side = 2 if min(shape[:2]) >= LARGE else 1  # small pictures keep every row
    x = layers.Conv2D(16 * shape[2], 3, strides=side, activation="relu", trainable=False, name=WHITENING)(x)
    stages = max(2, min(len(WIDTHS), round(math.log2(min(shape[:2]) / side / 4))))
    for filters in WIDTHS[:stages] if stages > 3 else WIDTHS[1 : 1 + stages]:
        x = normalised(layers.MaxPooling2D()(convolution(x, filters)))
        x = layers.Add()([x, normalised(convolution(normalised(convolution(x, filters)), filters))])
    x = layers.Concatenate()([layers.GlobalMaxPooling2D()(x), layers.GlobalAveragePooling2D()(x)])
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(layers.Dropout(0.1)(x)))


def adapt(recipe: Recipe, pictures: int, shape: tuple[int, int, int]) -> Recipe:
    """Small collections get more epochs (24 to 80), smaller batches and CutMix."""
    small = pictures < 4_000
    changes: dict[str, Any] = {
        "batch_size": 64 if small else 128,
        "epochs": min(80, max(24, round(175_000 / pictures))),
    }
    if not small and recipe.augmentation.cutmix == CUTMIX:  # do not override the user's value
        changes["augmentation"] = recipe.augmentation.model_copy(update={"cutmix": 0.0})
    return recipe.model_copy(update=changes)


RECIPE = Recipe(
    name="photos",
    network=network,
    initialise=first_weights,
    side=None,
    fit="auto",
    augmentation=Augmentation(flip="auto", crop=0.35, colour=0.2, cutmix=CUTMIX),
    grow=0.5,
    views="mirror-shift",
    label_smoothing=0.1,
    optimizer="muon",
    learning_rate=0.08,
    schedule="linear",
    warmup=0.05,
    weight_decay=0.01,
)

"""Pictures as a training changes them: by the augmentation and mixing of its recipe, differently in every epoch."""

from __future__ import annotations

import numpy as np

from tellapart.networks.backend import keras
from tellapart.networks.layers import AlternateMirror
from tellapart.recipes.recipe import Recipe
from tellapart.training.mixing import mixed


def augmented(recipe: Recipe, pixels: np.ndarray, epochs: int) -> list[np.ndarray]:
    """Return pictures uint8 [n, height, width, channels] as each of the first `epochs` of a training augments them."""
    no_labels = np.zeros((len(pixels), 1), np.float32)
    layers = recipe.augmentation.layers(0)
    changed = []
    for epoch in range(epochs):
        blended, _ = mixed(pixels, no_labels, recipe.augmentation, np.random.default_rng(epoch))
        values = keras.ops.convert_to_tensor(blended.astype(np.float32))
        for layer in layers:
            if isinstance(layer, AlternateMirror):
                layer.epoch.assign(epoch)
            values = layer(values, training=True)
        changed.append(np.clip(np.rint(keras.ops.convert_to_numpy(values)), 0, 255).astype(np.uint8))
    return changed

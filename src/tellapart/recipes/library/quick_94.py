"""quick-94 - quick with more filters and more epochs, for the last points of accuracy.

Network and training are those of quick without its warm-up, with more filters, label smoothing 0.2, and shifts of up to
2 pixels in 32. Prediction averages six TTA views (three if mirroring would do harm). Meant for colour pictures of about
32 x 32, such as CIFAR-10; larger or grey pictures work as well.
Source: airbench94 (Jordan 2024, arXiv:2404.00498).

Measured, on 2 cores of an AMD EPYC (bfloat16, Keras 3.15.1 on TensorFlow): 94.13 % on the test split of Fashion-MNIST,
93.68 % without TTA, in 163 s (three seeds); cats and dogs at 64 x 64 with --minutes 4: 94.35 %, 93.48 % without TTA;
CIFAR-10 with --minutes 15, 45,000 training pictures: 93.89 %, 93.02 % without TTA (three seeds).
docs/benchmarks.md has them in tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tellapart.networks.stages import first_weights, staged_network
from tellapart.recipes.augmentation import Augmentation
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def network(shape: tuple[int, int, int], classes: int) -> keras.Model:
    """Whitening, 2 to 4 stages as the size allows, global max-pooling, softmax."""
    return staged_network(shape, classes, (32, 64, 128, 256) if shape[2] == 1 else (64, 128, 256, 256))


def adapt(recipe: Recipe, pictures: int, shape: tuple[int, int, int]) -> Recipe:
    """Small collections get more epochs and smaller batches; colour pictures get more epochs than grey ones.

    With many colour pictures, pictures are smaller in the first half of the training, which saves time.
    """
    batch = 512 if pictures >= 20_000 else 128
    least = 12 if shape[2] == 1 else 16
    epochs = min(40, max(least, round(least * 40_000 / pictures)))
    grow = 0.5 if shape[2] == 3 and pictures >= 20_000 else 0.0
    return recipe.model_copy(update={"batch_size": batch, "epochs": epochs, "grow": grow})


RECIPE = Recipe(
    name="quick-94",
    network=network,
    initialise=first_weights,
    augmentation=Augmentation(shift=0.0625, flip="auto"),
    views="mirror-shift",
    label_smoothing=0.2,
    optimizer="muon",
    learning_rate=0.12,
    schedule="linear",
    weight_decay=0.01,
)

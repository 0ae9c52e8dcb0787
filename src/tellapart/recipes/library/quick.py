"""quick - a small modern CNN for small pictures of any kind; the default for those.

Network: a frozen convolution that whitens patches of 2 x 2 pixels (from 40 pixels a side on: 3 x 3, with stride 2),
computed from the training pictures; 2 to 4 stages, depending on the size, of two 3 x 3 convolutions with max-pooling,
batch normalisation and ReLU; global max-pooling; softmax. Trained with Muon on cross-entropy with label smoothing; the
learning rate rises for a short time and then falls linearly. Augmentation: shifts of up to 5 % and, if a quick test
shows that it does no harm, mirroring in every other epoch. Width, batch size and epochs depend on the data: grey
pictures need fewer filters, and large collections fewer epochs. With many colour pictures, pictures are smaller in the
first half of the training.

Source: airbench94 (Jordan, 94 % on CIFAR-10 in 3.29 seconds on a single GPU, 2024, arXiv:2404.00498).

Measured, three seeds each, on 2 cores of an AMD EPYC (bfloat16, Keras 3.15.1 on TensorFlow): 99.60 % on the test split
of MNIST in 25 s, and 92.34 % on that of Fashion-MNIST in 26 s; docs/benchmarks.md compares them with stock Keras.
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
    return staged_network(shape, classes, (16, 32, 64, 128) if shape[2] == 1 else (32, 128, 128, 256))


def adapt(recipe: Recipe, pictures: int, shape: tuple[int, int, int]) -> Recipe:
    """Small collections get more epochs (4 to 16) and smaller batches; colour pictures get more epochs than grey."""
    grey = shape[2] == 1
    batch = (256 if grey else 512) if pictures >= 20_000 else 128 if pictures >= 5_000 else 64
    epochs = min(16, max(4, round((216_000 if grey else 324_000) / pictures)))
    return recipe.model_copy(
        update={
            "batch_size": batch,
            "epochs": epochs,
            "label_smoothing": 0.1 if grey else 0.2,
            "grow": 0.5 if not grey and pictures >= 5_000 else 0.0,
        }
    )


RECIPE = Recipe(
    name="quick",
    network=network,
    initialise=first_weights,
    augmentation=Augmentation(flip="auto", shift=0.05),
    optimizer="muon",
    learning_rate=0.12,
    schedule="linear",
    warmup=0.1,
    weight_decay=0.01,
)

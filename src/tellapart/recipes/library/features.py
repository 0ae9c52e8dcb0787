"""features - a pretrained backbone, left as it is, and logistic regression on its features; takes seconds.

Network: a backbone that was trained on ImageNet-1k, and one dense layer with softmax. The backbone computes the
features of every picture once, and they are kept for later trainings and checks. The dense layer is the optimum of a
logistic regression with an L2 penalty, whose strength is chosen by cross-validation on the training pictures. It is the
better choice for few pictures, and for pictures of things that ImageNet shows too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tellapart.networks.backbones import DEFAULT
from tellapart.recipes.recipe import Recipe

if TYPE_CHECKING:
    import keras


def network(shape: tuple[int, int, int], classes: int, backbone: str) -> keras.Model:
    """The backbone, and a softmax over the classes."""
    from tellapart.networks.head import classifier_on

    return classifier_on(backbone, shape, classes)


RECIPE = Recipe(name="features", network=network, backbone=DEFAULT, frozen=True, side=None, fit="auto", epochs=1)

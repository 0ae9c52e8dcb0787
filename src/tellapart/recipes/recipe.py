"""A recipe: the frozen record of everything that decides a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tellapart.errors import RecipeError
from tellapart.images.preprocessing import Colour, Fit
from tellapart.images.views import Views
from tellapart.recipes.augmentation import Augmentation

Network = Callable[[tuple[int, int, int], int], Any]
"""From shape and number of classes to a keras.Model; typed loosely, because the record must not import Keras."""

Initialise = Callable[[Any, Any], None]
"""Sets weights of a fresh keras.Model from training pictures, uint8 [n, height, width, channels]."""


class Recipe(BaseModel):
    """How to learn from labelled pictures.

    `network(shape, classes)` gives the Keras model for pixels [height, width, channels] in 0..255; it ends in a softmax
    over the classes, or in one sigmoid output for the second of two classes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(description="what a run is called after")
    network: Network = Field(exclude=True, repr=False)
    initialise: Initialise | None = Field(None, exclude=True, repr=False)

    classes: int | None = Field(None, ge=2, description="how many classes the network is for; none: any number")
    height: int | None = Field(None, ge=1, le=4096, description="rows of pixels; none: as the data, up to `side`")
    width: int | None = Field(None, ge=1, le=4096, description="columns of pixels; none: as the data, up to `side`")
    side: int | None = Field(
        64, ge=1, le=4096, description="the size of pictures where height and width are open; none: by their number too"
    )
    colour: Colour | None = Field(None, description="grey or rgb; none: as the data")
    fit: Fit | Literal["auto"] = Field(
        "stretch", description="stretch, crop or pad pictures of another shape; auto: by how their shapes differ"
    )
    augmentation: Augmentation = Field(default_factory=Augmentation, description="random changes in training")

    views: Views = Field("none", description="test-time augmentation, averaged: none, mirror, shift or mirror-shift")
    loss: Literal["cross-entropy", "mean-squared-error"] = Field(
        "cross-entropy", description="categorical or, with a one-output head, binary cross-entropy; or squared error"
    )
    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share of each label spread over all classes")
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adadelta", "adagrad", "nadam", "lion", "muon"] = Field(
        "adam", description="the rule that changes the weights"
    )
    learning_rate: float = Field(0.001, gt=0, le=100, description="step size, at its highest")
    momentum: float = Field(0.0, ge=0, lt=1, description="for sgd and rmsprop; for muon's kernels, where 0 means 0.6")
    nesterov: bool = Field(False, description="look-ahead momentum, for sgd")
    schedule: Literal["constant", "cosine", "linear"] = Field("constant", description="how the rate falls to its end")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps in which the rate rises from 0")
    weight_decay: float = Field(
        0.0, ge=0, lt=1, description="decoupled decay of kernels, a step, times the rate; with muon of dense ones"
    )
    average: float = Field(
        0.0, ge=0, lt=1, description="momentum of a running average of the weights, which is what is kept; 0: none"
    )
    l1: float = Field(0.0, ge=0, allow_inf_nan=False, description="L1 penalty on kernels")
    l2: float = Field(0.0, ge=0, allow_inf_nan=False, description="L2 penalty on kernels")
    dropout: float | None = Field(None, ge=0, lt=1, description="dropout rate; none: as the network has it")
    grow: float = Field(
        0.0, ge=0, lt=1, description="share of the training in which pictures are seen at three quarters of their size"
    )
    balance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="how far rare classes count more: 1: each class as much as any other; 0: as they come",
    )
    batch_size: int = Field(128, ge=1, le=65536, description="pictures a step")
    epochs: int = Field(10, ge=1, le=100_000, description="passes over the training pictures")

    def changes(self) -> dict[str, Any]:
        """All fields but the network, as plain values."""
        return self.model_dump(mode="json")

    def check_classes(self, classes: int) -> None:
        """Raise RecipeError where the network is for another number of classes."""
        if self.classes not in (None, classes):
            raise RecipeError(
                f"the recipe {self.name} is for {self.classes} classes, and the data has {classes}",
                f"{self.classes} classes",
                "choose a recipe with an output a class, for instance quick",
            )


Adapt = Callable[[Recipe, int, tuple[int, int, int]], Recipe]
"""A library recipe may define `adapt(recipe, pictures, shape)`: the fields that follow the size of the data."""

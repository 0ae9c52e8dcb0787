"""A recipe: a frozen record of all settings of a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tellapart.errors import RecipeError
from tellapart.images.preprocessing import Colour, Fit
from tellapart.images.views import Views
from tellapart.recipes.augmentation import Augmentation

Network = Callable[..., Any]
"""`network(shape, classes)` returns a keras.Model; with a backbone, its name is the third argument.

Typed loosely, because this module must not import Keras.
"""

Initialise = Callable[[Any, Any], None]
"""`initialise(network, pixels)` sets weights of a new keras.Model from training pictures, uint8 [n, height, width,
channels].
"""


class Recipe(BaseModel):
    """All settings of a training on labelled pictures.

    `network(shape, classes)` returns a Keras model for pixels 0..255 of shape [height, width, channels]. Its last layer
    is a softmax over the classes, or one sigmoid output for the second of two classes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    name: str = Field(description="name of the recipe, which run folders include")
    network: Network = Field(exclude=True, repr=False)
    initialise: Initialise | None = Field(None, exclude=True, repr=False)

    backbone: str | None = Field(
        None, description="pretrained backbone that the network starts from; none: the network starts from scratch"
    )
    frozen: bool = Field(
        False, description="leave the backbone as it is, and fit only the head to its features, by logistic regression"
    )
    layer_decay: float = Field(
        1.0, gt=0, le=1, description="factor of the learning rate from each block of the backbone to the one before it"
    )
    classes: int | None = Field(None, ge=2, description="number of classes that the network is for; none: any")
    height: int | None = Field(
        None, ge=1, le=4096, description="height in pixels; none: as in the data, at most `side`"
    )
    width: int | None = Field(None, ge=1, le=4096, description="width in pixels; none: as in the data, at most `side`")
    side: int | None = Field(
        64,
        ge=1,
        le=4096,
        description="largest side in pixels if height and width are not set; none: depends on the pictures",
    )
    colour: Colour | None = Field(None, description="grey or rgb; none: as in the data")
    fit: Fit | Literal["auto"] = Field(
        "stretch", description="stretch, crop or pad pictures of another aspect ratio; auto: depends on the data"
    )
    augmentation: Augmentation = Field(
        default_factory=Augmentation, description="random changes of pictures in training"
    )

    views: Views = Field(
        "none", description="test-time augmentation views to average: none, mirror, shift or mirror-shift"
    )
    loss: Literal["cross-entropy", "mean-squared-error"] = Field(
        "cross-entropy", description="categorical cross-entropy (binary for one output), or mean squared error"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of each label that is spread evenly over all classes"
    )
    optimizer: Literal["adam", "adamw", "sgd", "rmsprop", "adadelta", "adagrad", "nadam", "lion", "muon"] = Field(
        "adam", description="the rule by which a step changes the weights"
    )
    learning_rate: float = Field(0.001, gt=0, le=100, description="highest learning rate of the schedule")
    momentum: float = Field(0.0, ge=0, lt=1, description="momentum of sgd and rmsprop, and of muon, where 0 means 0.6")
    nesterov: bool = Field(False, description="Nesterov momentum, for sgd")
    schedule: Literal["constant", "cosine", "linear"] = Field("constant", description="how the learning rate falls")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps in which the learning rate rises from 0")
    weight_decay: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="decoupled weight decay of kernels, per step, times the learning rate; with muon, of dense kernels",
    )
    average: float = Field(
        0.0, ge=0, lt=1, description="momentum of a running average of the weights, which is saved; 0: no averaging"
    )
    l1: float = Field(0.0, ge=0, allow_inf_nan=False, description="L1 penalty on kernels")
    l2: float = Field(0.0, ge=0, allow_inf_nan=False, description="L2 penalty on kernels")
    dropout: float | None = Field(None, ge=0, lt=1, description="dropout rate; none: as in the network")
    grow: float = Field(
        0.0, ge=0, lt=1, description="share of the training in which pictures have three quarters of their size"
    )
    balance: float = Field(
        0.0,
        ge=0,
        le=1,
        description="weight of rare classes; 1: all classes count the same; 0: all pictures count the same",
    )
    batch_size: int = Field(128, ge=1, le=65536, description="pictures per step")
    epochs: int = Field(10, ge=1, le=100_000, description="passes over the training pictures")
    patience: int | None = Field(
        None,
        ge=1,
        description="epochs without a better validation accuracy after which training stops; none: never",
    )

    def changes(self) -> dict[str, Any]:
        """All fields except the functions, as JSON values."""
        return self.model_dump(mode="json")

    def check_classes(self, classes: int) -> None:
        """Raise RecipeError if the network is for another number of classes."""
        if self.classes not in (None, classes):
            raise RecipeError(
                f"the recipe {self.name} is for {self.classes} classes, and the data has {classes}",
                f"{self.classes} classes",
                "use a recipe for any number of classes, such as quick",
            )


Adapt = Callable[[Recipe, int, tuple[int, int, int]], Recipe]
"""A recipe module may define `adapt(recipe, pictures, shape)`, which sets the fields that depend on the data: the
number of training pictures and their shape (height, width, channels).
"""

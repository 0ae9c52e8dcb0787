"""The pretrained backbone of a training: whether there is one, its weights, and the features of the pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tellapart.errors import CheckpointError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import listed
from tellapart.verbs._settings import NONE
from tellapart.verbs._train_options import Options

if TYPE_CHECKING:
    import keras
    import numpy as np

    from tellapart.data.collection import Collection
    from tellapart.data.feeding import Prepared
    from tellapart.images.preprocessing import Preparation
    from tellapart.pretrained.compiled import Compiled
    from tellapart.pretrained.weights import Found
    from tellapart.recipes.find import AdaptiveRecipe
    from tellapart.recipes.recipe import Recipe


OF_STEPS = ("epochs", "batch", "learning_rate", "patience")
"""Options of a training in steps."""


@dataclass(frozen=True, eq=False)
class Sources:
    """What pictures are prepared for: the recipe, its preprocessing, and the weights of its backbone, if it has one."""

    found: AdaptiveRecipe
    preprocessing: Preparation
    weights: Found | None


def wanted_backbone(options: Options) -> str | None:
    """The backbone to start from if the recipe is chosen from the pictures; None for a training from scratch.

    Without one named by the user it is the default one, if its weights are at hand.
    """
    from tellapart.networks.backbones import DEFAULT
    from tellapart.pretrained.weights import at_hand

    if options.backbone == NONE:
        return None
    if options.backbone is not None or options.weights is not None:
        return options.backbone or DEFAULT
    return DEFAULT if at_hand(DEFAULT) is not None else None


def check_backbone(recipe: Recipe, options: Options) -> None:
    """Raise UsageError for options about a backbone that do not fit the recipe."""
    if options.backbone == NONE and recipe.backbone is not None:
        raise UsageError(
            f"--backbone none and the recipe {recipe.name}, which starts from a backbone",
            "a recipe that trains from scratch, such as photos, or auto",
            "",
        )
    if options.weights is not None and recipe.backbone is None:
        raise UsageError(
            f"--weights {options.weights} and the recipe {recipe.name}, which trains from scratch",
            "a recipe that starts from a backbone, such as features or finetune",
            "",
        )


def report_ignored(recipe: Recipe, options: Options, on_event: Listener) -> None:
    """Warn of options about training steps if there are none."""
    given = [f"--{name.replace('_', '-')}" for name in OF_STEPS if getattr(options, name) is not None]
    if recipe.frozen and given:
        have = "has" if len(given) == 1 else "have"
        on_event(
            Note(
                f"note: {listed(given)} {have} no effect: the recipe {recipe.name} fits a head without training steps; "
                "--recipe finetune trains",
                warning=True,
            )
        )


def found_weights(recipe: Recipe, options: Options, on_event: Listener, known: str | None = None) -> Found:
    """The weights of the recipe's backbone; those with the SHA-256 `known`, if a training is resumed.

    Reports where they come from. Raises WeightsError if they are not at hand, CheckpointError if they have changed.
    """
    from tellapart.pretrained.weights import find_weights

    assert recipe.backbone is not None
    found = find_weights(recipe.backbone, options.weights, on_event, named=options.backbone is not None)
    if known is not None and found.sha256 != known:
        raise CheckpointError(
            f"{found.path}: has other weights of {recipe.backbone} than those that the run was started with",
            f"a file with the SHA-256 {known}",
            "give it with --weights, or start a new run without --resume",
        )
    on_event(Note(f"backbone: {found}"))
    return found


def description_of(backbone: Compiled) -> dict[str, Any]:
    """What run.json and the model file keep of a backbone."""
    from tellapart.networks import backbones

    about = backbones.load(backbone.name).BACKBONE
    return {
        "name": backbone.name,
        "title": about.title,
        "licence": about.licence,
        "credit": about.credit,
        "accuracy": about.accuracy,
        "sha256": backbone.found.sha256,
        "source": backbone.found.source,
    }


def known_sha256(record: Mapping[str, Any]) -> str | None:
    """The SHA-256 of the weights that a run was started with, by its run.json."""
    return (record.get("backbone") or {}).get("sha256")


def with_features(
    collection: Collection, data: Prepared, source: Sources, on_event: Listener
) -> tuple[Prepared, Compiled | None]:
    """The prepared pictures with the features of the recipe's backbone, and that backbone, if there is one."""
    if source.weights is None:
        return data, None
    from tellapart.pretrained.compiled import compiled
    from tellapart.pretrained.features import featured

    backbone = compiled(source.weights.name, source.weights, source.preprocessing.shape)
    return featured(collection, data, source.preprocessing, backbone, on_event), backbone


def starting_from(recipe: Recipe, backbone: Compiled | None) -> Recipe:
    """The recipe with first weights from the backbone, if there is one."""
    if backbone is None:
        return recipe

    def initialise(network: keras.Model, pixels: np.ndarray) -> None:
        from tellapart.networks import backbones
        from tellapart.networks.head import take_weights
        from tellapart.pretrained.weights import place

        base = backbones.load(backbone.name).network(backbone.shape)
        place(base, backbone.found)
        take_weights(network, base)

    return recipe.model_copy(update={"initialise": initialise})

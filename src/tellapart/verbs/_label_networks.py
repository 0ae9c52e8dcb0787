"""Out-of-fold predictions of small networks, which are trained twice, to find wrong labels without a backbone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.feeding import Prepared, prepare_pictures
from tellapart.data.label_errors import trusted_labels, without_smoothing
from tellapart.evaluation.cross_validation import CrossValidation
from tellapart.images.preprocessing import Preparation
from tellapart.progress import COMPILE, Event, Listener, Note, Progress
from tellapart.recipes.choose import choose_mirror, choose_preparation
from tellapart.recipes.find import AdaptiveRecipe, find_recipe
from tellapart.recipes.recipe import Recipe
from tellapart.training.plan import Plan
from tellapart.training.precision import choose_precision
from tellapart.training.session import Session

SIDE = 64
"""Pictures are reduced to at most this side, in pixels."""

ROUNDS = 2
"""The second round trains only on pictures that the first does not suspect; both rounds count."""


def predictions_of_networks(
    collection: Collection, readable: np.ndarray, fold: np.ndarray, seed: int, on_event: Listener
) -> tuple[Prepared, np.ndarray]:
    """The readable pictures, reduced to SIDE, and their probabilities float32 [n, classes], the mean of all rounds.

    `readable` and `fold` are int [n]; pictures that turn out not to be readable are missing in the results.
    """
    found = find_recipe("quick")
    preprocessing = _small(found.recipe, collection, readable)
    data = prepare_pictures(collection, readable, preprocessing, on_event, "read pictures")
    fold = fold[np.isin(readable, data.indices)]
    on_event(
        Note(f"likely wrong labels: {ROUNDS} rounds of {fold.max() + 1} models, each evaluated on its held-out fold")
    )
    plan = _plan(found, collection, data, preprocessing, seed)
    rounds = _rounds(plan, _recipe_for(found, plan), data, fold, on_event)
    return data, without_smoothing(rounds, plan.recipe.label_smoothing)


def _small(recipe: Recipe, collection: Collection, indices: np.ndarray) -> Preparation:
    """The preprocessing that the recipe would get for these pictures, reduced to SIDE."""
    preprocessing, _ = choose_preparation(recipe, collection, indices)
    height, width = min(preprocessing.height, SIDE), min(preprocessing.width, SIDE)
    return preprocessing.model_copy(update={"height": height, "width": width})


def _plan(found: AdaptiveRecipe, collection: Collection, data: Prepared, preprocessing: Preparation, seed: int) -> Plan:
    recipe = found.for_data(len(data), preprocessing.shape)
    seen = float(len(data) * recipe.epochs)
    classes = len(collection.class_names)
    precision, _ = choose_precision("auto", found.recipe, seen, preprocessing.shape, classes)
    return Plan(recipe, collection.class_names, preprocessing, seed, precision)


def _recipe_for(found: AdaptiveRecipe, plan: Plan) -> Callable[[Prepared], Recipe]:
    """What makes the recipe for the training pictures of a fold."""

    def recipe_for(train: Prepared) -> Recipe:
        recipe = found.for_data(len(train), plan.preprocessing.shape)
        recipe = recipe.model_copy(update={"views": "mirror-shift"})  # averaging several views makes answers surer
        return choose_mirror(recipe, train.pixels, train.labels, plan.class_names)[0]

    return recipe_for


def _rounds(
    plan: Plan, recipe_for: Callable[[Prepared], Recipe], data: Prepared, fold: np.ndarray, on_event: Listener
) -> np.ndarray:
    """Mean probabilities float32 [n, classes] of all rounds for prepared pictures; `fold` int [n]."""
    total, trusted = np.zeros((len(data), plan.classes), np.float32), np.ones(len(data), bool)
    for number in range(ROUNDS):

        def listener(event: Event, number: int = number) -> None:
            if isinstance(event, Progress) and event.task == COMPILE:
                on_event(event)
            elif isinstance(event, Progress):
                on_event(replace(event, task=f"round {number + 1} of {ROUNDS}, {event.task}"))

        # The folder is not used, since nothing is kept.
        folds = CrossValidation(replace(plan, seed=plan.seed + number), recipe_for, Session(Path(), listener))
        total += folds.predict(data, fold, trusted)
        trusted = trusted_labels(data.labels, total / (number + 1))
    return total / ROUNDS

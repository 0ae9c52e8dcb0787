"""Answers for every picture from models that have not seen it: cross-validation."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tellapart.errors import DataError
from tellapart.progress import Listener, Progress

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.feeding import Prepared
    from tellapart.images.preparation import Preparation
    from tellapart.recipes.recipe import Recipe


AT_ONCE = 2048


def fold_of(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold, 0 to folds - 1, of every picture: stratified by label int [n], groups int [n] kept together."""
    rng = np.random.default_rng((seed, folds))
    names, members = np.unique(groups, return_inverse=True)
    sizes = np.bincount(members)
    first = np.zeros(len(names), np.int64)
    first[members[::-1]] = labels[::-1]  # the label of a group is that of its first picture
    fold = np.zeros(len(names), np.int64)
    filled = np.zeros((folds, int(labels.max()) + 1))
    order = rng.permutation(len(names))
    for group in order[np.argsort(-sizes[order], kind="stable")].tolist():  # the large ones while there is room
        label = first[group]
        least = np.flatnonzero(filled[:, label] == filled[:, label].min())
        chosen = least[filled[least].sum(axis=1).argmin()]
        fold[group] = chosen
        filled[chosen, label] += sizes[group]
    return fold[members]


def check_folds(collection: Collection, labels: np.ndarray, groups: np.ndarray, folds: int) -> None:
    """Raise DataError unless every class has different pictures for each fold; labels int [n], groups [n]."""
    for c, name in enumerate(collection.class_names):
        count = len(np.unique(groups[labels == c]))
        if count < folds:
            what = "pictures" if collection.groups is None else "groups of pictures"
            raise DataError(
                f"{collection.source}: the class {name!r} has {count} different {what}",
                f"at least {folds}, one for each fold",
                f"ask for {max(count, 2)} folds, or add pictures",
            )


def out_of_fold(
    recipe_for: Callable[[Prepared], Recipe],
    collection: Collection,
    data: Prepared,
    fold: np.ndarray,
    preparation: Preparation,
    seed: int,
    precision: str,
    on_event: Listener,
) -> np.ndarray:
    """Probabilities float32 [n, classes] for prepared pictures, each from a model trained on the other folds.

    `recipe_for` gives the recipe for the pictures of a training; `fold` int [n] is the fold of each picture.
    """
    from tellapart.classifier.make import make_classifier
    from tellapart.training.train import train_network

    folds = int(fold.max()) + 1
    found = np.zeros((len(data), len(collection.class_names)), np.float32)
    for number in range(folds):
        train, outside = data.take(np.flatnonzero(fold != number)), np.flatnonzero(fold == number)
        recipe = recipe_for(train)

        def told(event: object, number: int = number) -> None:
            if isinstance(event, Progress):
                on_event(Progress(f"fold {number + 1} of {folds}", event.done, event.total, event.unit, event.figures))

        with tempfile.TemporaryDirectory() as folder:
            trained = train_network(
                recipe, train, None, len(collection.class_names), seed, precision, Path(folder), told
            )
        samples = data.pixels[outside[:64]]
        names = collection.class_names
        classifier = make_classifier(trained.network, names, preparation, recipe.loss, {}, samples, recipe.views)
        for start in range(0, len(outside), AT_ONCE):
            rows = outside[start : start + AT_ONCE]
            found[rows] = classifier.probabilities(data.pixels[rows])
    return found

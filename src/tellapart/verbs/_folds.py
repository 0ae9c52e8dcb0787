"""Answers for every picture from models that have not seen it: cross-validation."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tellapart.data.feeding import rows_for
from tellapart.errors import DataError, OutOfMemoryError, Stopped, TrainingError
from tellapart.files import replacing, write_json
from tellapart.progress import Epoch, Listener, Note, Progress

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.feeding import Prepared
    from tellapart.images.preparation import Preparation
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.train import Trained


SMALLER = "smaller.json"
"""In a fold's folder: batch and learning rate of a fold for which memory did not suffice."""


def fold_of(labels: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """The fold, 0 to folds - 1, of every picture: stratified by label int [n], groups [n] kept together."""
    rng = np.random.default_rng((seed, folds))
    names, members = np.unique(groups, return_inverse=True)
    classes = int(labels.max()) + 1
    # The classes of each group and its share of them, so that rare ones count as much: few, of perhaps many classes.
    codes, counts = np.unique(members * classes + labels, return_counts=True)
    of_class = codes % classes
    share = counts / np.bincount(labels)[of_class]
    starts = np.searchsorted(codes, np.arange(len(names) + 1) * classes)
    fold = np.zeros(len(names), np.int64)
    filled = np.zeros((folds, classes))
    order = rng.permutation(len(names))
    for group in order[np.argsort(-np.bincount(members)[order], kind="stable")].tolist():  # the large ones first
        its, shares = of_class[starts[group] : starts[group + 1]], share[starts[group] : starts[group + 1]]
        crowd = filled[:, its] @ shares
        least = np.flatnonzero(crowd <= crowd.min() + 1e-12)
        chosen = least[filled[least].sum(axis=1).argmin()]
        fold[group] = chosen
        filled[chosen, its] += shares
    return fold[members]


def check_folds(collection: Collection, labels: np.ndarray, fold: np.ndarray) -> None:
    """Raise DataError unless each model would learn every class; labels and fold int [n]."""
    for c in np.unique(labels).tolist():
        if len(np.unique(fold[labels == c])) < 2:
            what = "different pictures" if collection.groups is None else "groups with different pictures"
            raise DataError(
                f"{collection.source}: the class {collection.class_names[c]!r} has too few {what} for "
                f"{fold.max() + 1} folds: all of it would be in one",
                "several, so that no model lacks a class",
                "add pictures, leave the class out, or ask for another number of folds",
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
    believed: np.ndarray | None = None,
    folder: Path | None = None,
    save_every: float = 10.0,
) -> np.ndarray:
    """Probabilities float32 [n, classes] for prepared pictures, each from a model trained on the other folds.

    `recipe_for` gives the recipe for the pictures of a training; `fold` int [n] is the fold of each picture; only those
    `believed`, bool [n] where not all, are learnt from, as long as they are of every class. With a `folder`, what has
    been found is kept there, and found again by the same call after a process was broken off.
    """
    from tellapart.classifier.make import make_classifier

    folds = int(fold.max()) + 1
    found = np.zeros((len(data), len(collection.class_names)), np.float32)
    for number in range(folds):
        outside, inside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if believed is not None and set(data.labels[inside[believed[inside]]]) == set(data.labels[inside]):
            inside = inside[believed[inside]]
        train = data.take(inside)
        recipe = recipe_for(train)
        kept = folder and folder / f"fold-{number + 1}.npz"
        known = _known(recipe, train, len(collection.class_names), seed, precision) if kept else ""
        if kept and kept.exists() and (answers := _kept(kept, outside, known)) is not None:
            found[outside] = answers
            continue

        def told(event: object, number: int = number, pictures: int = len(train)) -> None:
            task = f"fold {number + 1} of {folds}"
            if isinstance(event, Progress):
                on_event(Progress(task, event.done, event.total, event.unit, event.figures))
            elif isinstance(event, Epoch) and event.number == event.total:  # the last steps tell nothing of their own
                on_event(Progress(task, pictures * event.total, pictures * event.total))
            elif isinstance(event, Note):
                on_event(event)

        with tempfile.TemporaryDirectory() as temporary:
            place = folder / f"fold-{number + 1}" if folder else Path(temporary)
            place.mkdir(parents=True, exist_ok=True)
            try:
                trained = _trained(recipe, train, len(collection.class_names), seed, precision, place, told, save_every)
            except TrainingError as error:  # the weights that it names go with the folder
                lower = "train with a lower learning rate (--set learning_rate=...)"
                advice = error.action if isinstance(error, OutOfMemoryError) else lower
                raise type(error)(f"fold {number + 1}, {error.given}", error.expected, advice) from error
            except Stopped as error:
                if folder:
                    raise
                stopped = Stopped("stopped", "nothing of it is kept", "start it again")
                stopped.exit_code = error.exit_code
                raise stopped from error
        samples = data.pixels[outside[:64]]
        names = collection.class_names
        classifier = make_classifier(trained.network, names, preparation, recipe.loss, {}, samples, recipe.views)
        step = rows_for(data.pixels.shape[1:])
        for start in range(0, len(outside), step):
            rows = outside[start : start + step]
            found[rows] = classifier.probabilities(data.pixels[rows])
        if kept:
            with replacing(kept) as new, new.open("wb") as file:
                np.savez(file, outside=outside, answers=found[outside], known=np.array(known))
            shutil.rmtree(kept.with_suffix(""), ignore_errors=True)
    return found


def _trained(
    recipe: Recipe,
    train: Prepared,
    classes: int,
    seed: int,
    precision: str,
    folder: Path,
    on_event: Listener,
    save_every: float,
) -> Trained:
    from tellapart.training.shortage import within_memory
    from tellapart.training.train import train_network

    kept = folder / SMALLER
    if kept.is_file():
        recipe = recipe.model_copy(update=json.loads(kept.read_bytes()))

    def attempt(recipe: Recipe) -> Trained:
        return train_network(recipe, train, None, classes, seed, precision, folder, on_event, save_every=save_every)

    def changed(recipe: Recipe) -> None:
        write_json(kept, {"batch_size": recipe.batch_size, "learning_rate": recipe.learning_rate})

    return within_memory(recipe, attempt, folder, on_event, changed)


def _known(recipe: Recipe, train: Prepared, classes: int, seed: int, precision: str) -> str:
    """What the answers of a fold are known by: all that they come of but the pictures, which run.json speaks of."""
    from tellapart.recipes.build import build_network
    from tellapart.training.train import network_digest

    network = network_digest(build_network(recipe, train.pixels.shape[1:], classes))
    return json.dumps([recipe.changes(), network, seed, precision], sort_keys=True, default=str)


def _kept(path: Path, outside: np.ndarray, known: str) -> np.ndarray | None:
    """The answers for a fold that were kept; None where they are damaged, or of other pictures or another network."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if np.array_equal(archive["outside"], outside) and str(archive["known"]) == known:
                return np.asarray(archive["answers"])
    except Exception:  # a damaged archive: the fold is trained again
        return None
    return None

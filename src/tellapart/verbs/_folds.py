"""Answers for every picture from models that have not seen it: cross-validation."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tellapart.data.cutting import joined
from tellapart.data.feeding import rows_for
from tellapart.data.rows import digest
from tellapart.errors import DataError, OutOfMemoryError, Stopped, TrainingError
from tellapart.files import replacing, write_json
from tellapart.progress import Epoch, Listener, Note, Progress
from tellapart.text import counted

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.feeding import Prepared
    from tellapart.images.preprocessing import Preparation
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


def make_folds(
    collection: Collection, duplicates: Duplicates, indices: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, list[str]]:
    """The fold int [n] of each picture at `indices`, in which what shows the same is together, and what is to be said.

    Where pictures that are nearly the same are all of a class, they are of one layout and no copies: of those, only the
    very copies stay together. Raises DataError where a class cannot be in two folds, or there are too few groups.
    """
    labels, places, said = collection.labels[indices], *_places(collection, duplicates, indices)
    fold = fold_of(labels, places, folds, seed)
    check_folds(collection, labels, fold)
    if (there := len(np.unique(fold))) < folds:
        raise DataError(
            f"{collection.source}: its pictures are in {there} groups, too few for {folds} folds",
            "at least as many groups as folds",
            f"ask for --folds {there}" if there > 1 else "add pictures that differ",
        )
    return fold, said


def make_spare_folds(
    collection: Collection, duplicates: Duplicates, indices: np.ndarray, folds: int, seed: int
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """As `make_folds`, of all pictures that can be folded: those, int64 [m], their folds, and what is to be said.

    Folds are as few as the smallest class needs; classes that cannot be in two are left out. Raises DataError where
    fewer than two classes remain.
    """
    labels, places, said = collection.labels[indices], *_places(collection, duplicates, indices)
    different = _different(collection, labels, places)
    what = "different pictures" if collection.groups is None else "groups with different pictures"
    few = np.flatnonzero((different < 2) & (different > 0))
    if (different >= 2).sum() < 2:
        raise DataError(
            f"{collection.source}: fewer than two classes have two {what} that can be read",
            f"two {what} of at least two classes",
            "add pictures",
        )
    if len(few):
        names = ", ".join(collection.class_names[c] for c in few[:5])
        more = f" and {len(few) - 5} more" if len(few) > 5 else ""
        said.append(f"not looked for in {names}{more}, of too few {what}")
    least = int(np.where(different >= 2, different, different.max()).argmin())
    if different[least] < folds:
        folds = int(different[least])
        said.append(f"by {folds} folds, since {collection.class_names[least]} has {folds} {what}")
    kept = ~np.isin(labels, few)
    return indices[kept], fold_of(labels[kept], places[kept], folds, seed), said


def _places(collection: Collection, duplicates: Duplicates, indices: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Names [n] of what belongs together, of pictures at `indices`, and what is to be said about that."""
    labels = collection.labels[indices]
    own = np.arange(len(collection)) if collection.groups is None else collection.groups
    exact = duplicates.of("exact")
    possible = _different(collection, labels, joined(own, exact)[indices]) > 1

    def lacking(same: Sequence[tuple[int, ...]]) -> np.ndarray:
        return possible & (_different(collection, labels, joined(own, same)[indices]) < 2)

    same: Sequence[tuple[int, ...]] = duplicates.groups
    if not (lacks := lacking(same)).any():
        return joined(own, same)[indices], []
    here = set(indices.tolist())
    torn = {
        group
        for group in set(duplicates.groups) - set(exact)
        if any(lacks[collection.labels[i]] for i in group if i in here)
    }
    same = [*exact, *(group for group in duplicates.groups if group not in torn)]
    if lacking(same).any():
        same, torn = exact, set(duplicates.groups) - set(exact)
    count = sum(i in here for group in torn for i in group)
    words = f"{counted(count, 'picture')} are so much alike that of them only the very copies stay in one fold"
    return joined(own, same)[indices], [f"{words}: figures may flatter"]


def _different(collection: Collection, labels: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Of each class, how many names there are among `places` [n]: int64 [classes]."""
    return np.array([len(np.unique(places[labels == c])) for c in range(len(collection.class_names))])


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
    preprocessing: Preparation,
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
    from tellapart.classifier.make import ModelFacts, make_classifier

    folds = int(fold.max()) + 1
    pictures = digest(data.pixels) if folder else ""
    found = np.zeros((len(data), len(collection.class_names)), np.float32)
    for number in range(folds):
        outside, inside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        if believed is not None and set(data.labels[inside[believed[inside]]]) == set(data.labels[inside]):
            inside = inside[believed[inside]]
        train = data.take(inside)
        recipe = recipe_for(train)
        kept = folder and folder / f"fold-{number + 1}.npz"
        known = _known(recipe, train, len(collection.class_names), seed, precision, pictures) if kept else ""
        if kept and kept.exists():
            if (answers := _kept(kept, outside, known)) is not None:
                found[outside] = answers
                continue
            on_event(Note(f"note: {kept} is damaged, or of other pictures or another network: it is made anew"))

        def told(event: object, number: int = number, pictures: int = len(train)) -> None:
            task = f"fold {number + 1} of {folds}"
            if isinstance(event, Progress):
                on_event(Progress(task, event.done, event.total, event.unit, event.metrics))
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
        facts = ModelFacts(names, preprocessing, recipe.loss, recipe.views)
        classifier = make_classifier(trained.network, facts, samples)
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


def _known(recipe: Recipe, train: Prepared, classes: int, seed: int, precision: str, pictures: str) -> str:
    """What the answers of a fold are known by: all that they come of."""
    from tellapart.recipes.build import build_network
    from tellapart.training.train import network_digest

    network = network_digest(build_network(recipe, train.pixels.shape[1:], classes))
    return json.dumps([recipe.changes(), network, seed, precision, pictures], sort_keys=True, default=str)


def _kept(path: Path, outside: np.ndarray, known: str) -> np.ndarray | None:
    """The answers for a fold that were kept; None where they are damaged, or of other pictures or another network."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if np.array_equal(archive["outside"], outside) and str(archive["known"]) == known:
                return np.asarray(archive["answers"])
    except Exception:  # a damaged archive: the fold is trained again
        return None
    return None

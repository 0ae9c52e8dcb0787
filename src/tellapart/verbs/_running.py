"""A training in its run's folder: begun, trained from what is kept there, finished, or abandoned with what there is."""

from __future__ import annotations

import contextlib
import math
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import CheckpointError, Stopped, TellapartError
from tellapart.progress import Listener, Note, silent
from tellapart.verbs._finishing import Answers, Job, Run, finish
from tellapart.verbs._resuming import asked_for

if TYPE_CHECKING:
    import numpy as np

    from tellapart.data.feeding import Prepared
    from tellapart.images.preprocessing import Preparation
    from tellapart.images.views import Views
    from tellapart.recipes.find import Found
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.budget import Budget
    from tellapart.training.run import RunFolder
    from tellapart.training.train import Trained
    from tellapart.verbs.train import Options

FOLDS = "folds"
"""Where a run keeps what its folds have found until it ends."""


def begin(
    options: Options, job: Job, recipe: Recipe, found: Found, on_event: Listener
) -> tuple[RunFolder, dict[str, Any]]:
    """The run's folder with what was asked and decided in it: enough to go on from."""
    from tellapart.networks import backend
    from tellapart.training import run as folders
    from tellapart.training.record import describe_training

    collection, split_table = job.collection, job.split_table
    pictures = len(job.split("train"))
    precision = _precision(options, on_event, recipe, pictures, job.preprocessing, len(collection.class_names))
    asked = asked_for(options, collection.source)
    record = describe_training(asked, collection, split_table, job.preprocessing, recipe)
    record |= {"backend": backend.describe(), "precision": precision, "status": "running"}
    record["recipe_base"] = found.base
    record["recipe_found"] = found.recipe.changes()  # before the data decided what it leaves open
    folder = folders.RunFolder.create(options.runs, collection.name, recipe.name)
    try:
        split_table.save(folder.path / folders.SPLIT, collection)
        (folder.path / folders.CLASSES).write_text("\n".join(collection.class_names) + "\n", encoding="utf-8")
        folder.write(record)
    except BaseException:
        folder.remove()
        raise
    return folder, record


def train_in(
    options: Options,
    on_event: Listener,
    job: Job,
    recipe: Recipe,
    found: Found,
    fold: np.ndarray | None,
    began: float,
    folder: RunFolder,
    record: dict[str, Any],
) -> Run:
    """Train in a run's folder, from its checkpoints where it has any, and finish."""
    from tellapart.classifier.make import ModelFacts, make_classifier
    from tellapart.data.feeding import batch_for
    from tellapart.training import run as folders
    from tellapart.training.checkpoints import FOLDER, Checkpoints
    from tellapart.training.record import remembered
    from tellapart.training.run import resume_command

    collection, split_table, preprocessing, train = (
        job.collection,
        job.split_table,
        job.preprocessing,
        job.split("train"),
    )
    record = {name: value for name, value in record.items() if name != "reason"} | {"status": "running"}
    try:
        folder.write(record)
        if fold is not None:
            place = folder.path / FOLDS
            answers = _cross_validated(options, on_event, found, job, fold, record["precision"], place)
            job = replace(job, answers=answers)
        evaluated = looks_afterwards(split_table.counts(), recipe.views)
        budget = _budget(options, began, recipe, preprocessing, evaluated)
        trained, recipe = _trained(options, on_event, job, recipe, folder, record, budget, evaluated)
        classifier = make_classifier(
            trained.network,
            ModelFacts(
                collection.class_names,
                preprocessing,
                recipe.loss,
                recipe.views,
                remembered(record, collection, split_table),
            ),
            (job.split("validation") if split_table.counts()["validation"] else train).pixels[
                : min(256, batch_for(preprocessing.shape))
            ],
        )
        classifier.save(folder.path / folders.MODEL)  # before all else: whatever happens now, the model is kept
        result = finish(folder, record, on_event, job, trained, classifier)
    except BaseException as error:
        somewhere = _abandon(folder, record, error)
        if somewhere and isinstance(error, KeyboardInterrupt):  # within the training itself it is a Stopped already
            kept = "the model is" if (folder.path / folders.MODEL).is_file() else "what was done is"
            given = f"{folder.path}: stopped before all was measured and written"
            raise Stopped(given, f"{kept} kept", resume_command(folder.path)) from error
        raise
    Checkpoints(folder.path / FOLDER).remove()
    shutil.rmtree(folder.path / FOLDS, ignore_errors=True)
    late = budget.all_ended(trained.seconds) if budget is not None else None
    if late:
        on_event(Note(late))
    return result


def _trained(
    options: Options,
    on_event: Listener,
    job: Job,
    recipe: Recipe,
    folder: RunFolder,
    record: dict[str, Any],
    budget: Budget | None,
    evaluated: int,
) -> tuple[Trained, Recipe]:
    """The trained network; where memory does not suffice, of a recipe with a smaller batch, which the record then has.

    Raises TrainingError where it did suffice before, or does not for the smallest.
    """
    from tellapart.training.shortage import within_memory, yield_memory
    from tellapart.training.train import train_network

    yield_memory()
    train, held = job.split("train"), job.split("validation") if job.split_table.counts()["validation"] else None
    used = [recipe]

    def attempt(recipe: Recipe) -> Trained:
        return train_network(
            recipe, train, held, len(job.collection.class_names), options.seed, record["precision"], folder.path,
            on_event, budget, evaluated, options.save_every,
        )  # fmt: skip

    def changed(recipe: Recipe) -> None:
        used.append(recipe)
        record["recipe"] = recipe.changes()
        folder.write(record)

    return within_memory(recipe, attempt, folder.path, on_event, changed), used[-1]


def looks_afterwards(counts: dict[str, int], views: Views) -> int:
    """Looks at pictures after a training: to evaluate it, and to learn what is ordinary."""
    from tellapart.classifier.ood import HELD_OUT, PICTURES
    from tellapart.images.views import count

    once = counts["test"] if views != "none" else 0  # the figure of one look
    ordinary = min(PICTURES, counts["train"]) + min(HELD_OUT, counts["validation"] or counts["train"])
    return (counts["validation"] + counts["test"]) * count(views) + once + ordinary


def decided(found: Found, train: Prepared, job: Job, on_event: Listener) -> Recipe:
    """The recipe with what it leaves to the training pictures decided."""
    from tellapart.recipes.choose import choose_mirror

    recipe = found.for_data(len(train), job.preprocessing.shape)
    recipe, mirroring = choose_mirror(recipe, train.pixels, train.labels, job.collection.class_names)
    if mirroring:
        on_event(Note(mirroring))
    return recipe


def _cross_validated(
    options: Options, on_event: Listener, found: Found, job: Job, fold: np.ndarray, precision: str, folder: Path
) -> Answers:
    """What models say of the training pictures that they have not seen."""
    from tellapart.verbs._folds import out_of_fold

    on_event(Note(f"cross-validation: {options.folds} models, each asked about the pictures that it did not see"))
    probabilities = out_of_fold(
        lambda some: decided(found, some, job, silent),
        job.collection, job.split("train"), fold, job.preprocessing, options.seed, precision, on_event, folder=folder,
        save_every=options.save_every,
    )  # fmt: skip
    return Answers(probabilities, fold)


def _precision(
    options: Options, on_event: Listener, recipe: Recipe, pictures: int, preprocessing: Preparation, classes: int
) -> str:
    """The precision to train in; says it, and what is trained for how long."""
    from tellapart.networks import backend
    from tellapart.training.precision import choose_precision

    epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
    lasting = epochs if options.minutes is None else f"{options.minutes:g} minutes in all"
    on_event(
        Note(
            f"recipe: {recipe.name}, {lasting}, {pictures:,} pictures in batches of {recipe.batch_size}, "
            f"{recipe.optimizer}, augmentation: {recipe.augmentation}"
        )
    )
    seen = math.inf if (options.minutes or 0) >= 1 else float(pictures * recipe.epochs)
    if options.deterministic and options.precision == "auto":  # what is faster depends on the machine and the moment
        precision, reason = "float32", "deterministic"
    else:
        precision, reason = choose_precision(options.precision, recipe, seen, preprocessing.shape, classes)
    on_event(Note(f"backend: {backend.describe()}, {precision} ({reason})"))
    return precision


def _budget(
    options: Options, began: float, recipe: Recipe, preprocessing: Preparation, evaluated: int
) -> Budget | None:
    """The time that was given, if any."""
    if options.minutes is None:
        return None
    from tellapart.networks import backend
    from tellapart.training.budget import Budget
    from tellapart.training.run import processor

    key = f"{processor()}, {backend.place()}, {recipe.name} {preprocessing.shape}, {evaluated} looks"
    return Budget(options.minutes * 60, began, key)


def _abandon(folder: RunFolder, record: dict[str, Any], error: BaseException) -> bool:
    """Keep the folder of a training that got somewhere, and say in it what ended it; else take it away. True: kept."""
    from tellapart.training.checkpoints import FOLDER
    from tellapart.training.run import resume_command

    folds = (found for name in ("*.npz", "*/history.csv", f"*/{FOLDER}") for found in (folder.path / FOLDS).glob(name))
    if not any((folder.path / name).exists() for name in ("history.csv", FOLDER)) and not any(folds):
        folder.remove()
        return False
    if isinstance(error, Stopped):  # it may have been within a fold, whose folder is not what to go on with
        error.action = resume_command(folder.path)
    reason = error.to_dict() if isinstance(error, TellapartError) else {"error": type(error).__name__}
    model = {"model": str(folder.path / "model.keras")} if (folder.path / "model.keras").exists() else {}
    status = "stopped" if isinstance(error, (Stopped, KeyboardInterrupt)) else "failed"
    with contextlib.suppress(CheckpointError):  # a full disk: what ended the training says so
        folder.write(record | {"status": status, "reason": reason} | model)
    return True

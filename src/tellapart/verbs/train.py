"""Learn from labelled pictures: split, train a recipe, keep the best weights, evaluate once, save one model file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from tellapart.errors import DataError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted, quoted
from tellapart.verbs import Record, argument, share
from tellapart.verbs._finishing import Job, Run
from tellapart.verbs._options import Changes, ClassNames, PathOrAuto, RecipeSource, Share, Source
from tellapart.verbs._resuming import Kept, find_kept, still_unfinished, unfinished
from tellapart.verbs._running import begin, decided, train_in
from tellapart.verbs._settings import AUTO, changes_of, several

if TYPE_CHECKING:
    import numpy as np

    from tellapart.data.collection import Collection
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.feeding import Prepared
    from tellapart.data.split_table import SplitTable
    from tellapart.images.preprocessing import Preparation
    from tellapart.recipes.find import Found

LEAST_BYTES = 32 * 2**20
"""The smallest training writes that much: a model file and its replacement, three checkpoints, a report."""


class Options(Record):
    """What may be asked of train."""

    data: Source = argument(None, description="What to learn from: a data set's name, a folder, archive or data file.")
    recipe: RecipeSource = Field(
        "auto", description="A library recipe's name, my.toml or my.py; auto: as the pictures are."
    )
    set: Changes = Field(
        default_factory=list, description="Change a field of the recipe, such as optimizer=sgd; may be repeated."
    )
    epochs: int | None = Field(None, ge=1, description="Passes over the training pictures; default: the recipe's.")
    minutes: float | None = Field(
        None,
        ge=1 / 6,
        allow_inf_nan=False,
        description="Time for everything, reading to saving, instead of epochs; from 1/6 (10 seconds) up.",
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="Decides the split, the first weights, the order and augmentation."
    )
    validation: float = Field(
        0.1, ge=0, lt=1, description="Share of the training pictures for validation, where the data has no such part."
    )
    test: float = Field(
        0.2, ge=0, lt=1, description="Share of the pictures for the test, where the data has no test split."
    )
    group: str | None = Field(
        None,
        description="What belongs together and stays in one part: a column of the table, or a regular expression found "
        "in file names, such as 'subject(\\d+)'.",
    )
    folds: int | None = Field(
        None,
        ge=2,
        le=100,
        description="Cross-validate: train so many models, each on all but its share of the pictures; then one on all.",
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="What to compute in; auto measures once whether bfloat16 is faster here."
    )
    max_error_rate: Share = Field(
        None,
        description='Answer "unsure" below a confidence that keeps errors among the others at this share, such as 1%.',
    )
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one a line.")
    runs: Path = Field(Path("runs"), description="Folder that gets the run's folder.")
    resume: PathOrAuto = Field(
        None,
        description="Go on with a training that was broken off: its run's folder; auto: the one of the same options, "
        "or a new one.",
    )
    save_every: float = Field(
        10.0, ge=0, allow_inf_nan=False, description="Seconds between checkpoints, at least; 0: whenever it can be."
    )
    deterministic: bool = Field(
        False,
        description="The same bits from the same input on any machine of this kind, even where that is slower; in "
        "float32 unless another precision is named.",
    )

    _max_error_rate = field_validator("max_error_rate")(share)

    @field_validator("recipe", mode="before")
    @classmethod
    def _some_recipe(cls, value: Any) -> Any:
        return AUTO if value is None else value

    _set = field_validator("set", mode="before")(several)


def run(options: Options, on_event: Listener) -> Run:
    """Train. Returns the Run; raises a TellapartError, and leaves no run folder, for anything wrong with the input."""
    began = time.monotonic()
    kept = None
    if options.resume is not None:
        options, kept = find_kept(options)
    elif (other := unfinished(options)) and not other.folder.busy():
        where = other.folder.path
        again = f"--resume {quoted(str(where))} goes on"
        on_event(Note(f"note: {where} is the same training, broken off ({other.progress()}): {again}"))
    _check_asked(options)
    if kept is not None:
        _check_disk(kept.folder.path)
        with kept.folder.locked():
            kept = still_unfinished(kept)  # another process may have ended it since
            asked = kept.asked()
            words = f", as asked: {asked}" if asked else ""
            on_event(Note(f"going on with {kept.folder.path} ({kept.progress()}){words}"))
            return _run(options, on_event, began, kept)
    _check_disk(options.runs)
    return _run(options, on_event, began, None)


def _run(options: Options, on_event: Listener, began: float, kept: Kept | None) -> Run:
    from tellapart.classifier.calibration import threshold_for
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.split_table import check_trainable, make_splits
    from tellapart.recipes.choose import choose_preparation, choose_recipe
    from tellapart.recipes.find import find_recipe

    # A recipe in Python starts Keras, which takes seconds: look at the data first, so that its faults show at once.
    late = options.recipe == AUTO or str(options.recipe).endswith(".py")
    found = None if late else find_recipe(options.recipe)
    collection = _collection(options, on_event)

    def cut(duplicates: Duplicates) -> SplitTable:
        same, exact = duplicates.groups, duplicates.of("exact")
        if options.folds:  # every picture that is not given for the test is learnt from, and asked about once
            made = make_splits(collection, 0, 0, options.seed, same, exact).without_validation()
        else:
            made = make_splits(collection, options.validation, options.test, options.seed, same, exact)
        check_trainable(collection, made)
        return made

    split_table = cut(Duplicates((), ()))
    if options.max_error_rate is not None and not (split_table.counts()["validation"] or options.folds):
        threshold_for(options.max_error_rate, ())  # which says what is missing
    on_event(Note(f"data: {collection.name}, {len(collection):,} pictures, {len(collection.class_names)} classes"))
    for note in collection.notes:
        on_event(Note(f"note: {note}"))
    learnt = split_table.indices("train")
    if options.recipe == AUTO and kept is not None:
        found = find_recipe(kept.record.get("recipe_base", kept.record["recipe"]["name"]))
    elif options.recipe == AUTO:
        name, reason = choose_recipe(collection, learnt, options.minutes)
        on_event(Note(f"recipe: {name} ({reason})"))
        found = find_recipe(name)
    found = _changed(found or find_recipe(options.recipe), options, kept is None)
    if found.has_usual_rate and kept is None:
        words = f"{found.recipe.learning_rate:g}, as is usual for {found.recipe.optimizer}"
        on_event(Note(f"learning rate: {words}; --set learning_rate=... decides otherwise"))
    found.recipe.check_classes(len(collection.class_names))  # before all pictures are read, which may take minutes
    if kept is not None:
        kept.check_recipe(found)
        preprocessing = kept.preprocessing()
    else:
        preprocessing, reason = choose_preparation(found.recipe, collection, learnt, options.minutes)
        on_event(Note(f"pictures: {preprocessing} ({reason})"))

    data, duplicates = _prepared(collection, preprocessing, on_event)
    split_table = cut(duplicates)
    if kept is not None:
        kept.check(collection, split_table)
    else:
        _say(on_event, collection, split_table, duplicates)
    job = Job(collection, split_table, data, preprocessing, options.max_error_rate)
    _check_readable(job)
    if options.deterministic:
        from tellapart.networks.backend import make_deterministic

        make_deterministic()
    fold = _folds(options, job, duplicates, on_event)
    if kept is not None:
        recipe = kept.recipe(found, len(job.split("train")), preprocessing.shape)
        return train_in(options, on_event, job, recipe, found, fold, began, kept.folder, kept.record)
    recipe = decided(found, job.split("train"), job, on_event)
    folder, record = begin(options, job, recipe, found, on_event)
    with folder.locked():
        return train_in(options, on_event, job, recipe, found, fold, began, folder, record)


def _check_disk(runs: Path) -> None:
    """Raise UsageError where the disk has not even room for the smallest training; before anything takes time."""
    from tellapart.training.run import ROOM, lacking

    if (free := lacking(runs, LEAST_BYTES)) is not None:
        raise UsageError(f"{runs}: a training writes at least {LEAST_BYTES:,} bytes, and {free:,} are free", *ROOM)


def _check_asked(options: Options) -> None:
    """Raise UsageError for options that contradict each other."""
    if options.data is None:
        raise UsageError("train: data is missing", "a data set's name, a folder, archive or data file", "give it")
    if options.minutes is not None and options.deterministic:
        raise UsageError(
            f"deterministic and minutes = {options.minutes:g}",
            "one of them: how many steps fit into a time is different each time",
            "give --epochs with --deterministic",
        )
    if options.minutes is not None and options.epochs is not None:
        raise UsageError(
            f"epochs = {options.epochs} and minutes = {options.minutes:g}",
            "one of them: what decides when training ends",
            "leave the other out",
        )
    if options.folds and (options.validation, options.test) != tuple(
        Options.model_fields[split].default for split in ("validation", "test")
    ):
        raise UsageError(
            f"folds = {options.folds}, validation = {options.validation:g} and test = {options.test:g}",
            "folds alone: every picture that the data does not give for the test is learnt from, and asked about once",
            "leave the others out",
        )
    if options.minutes is not None and options.folds:
        raise UsageError(
            f"folds = {options.folds} and minutes = {options.minutes:g}",
            "one of them: minutes are for a single training",
            "give --epochs with --folds",
        )


def _collection(options: Options, on_event: Listener) -> Collection:
    """The pictures, grouped as was asked."""
    from tellapart.data.groups import grouped
    from tellapart.data.source import open_collection

    collection = open_collection(options.data, options.classes, on_event)
    return collection if options.group is None else grouped(collection, options.group)


def _prepared(collection: Collection, preprocessing: Preparation, on_event: Listener) -> tuple[Prepared, Duplicates]:
    """All pictures, and those that show the same; what these were found by is let go, for it may be large."""
    from tellapart.data.feeding import prepare_collection

    whole = prepare_collection(collection, preprocessing, on_event)
    return whole.data, whole.duplicates(on_event)


def _folds(options: Options, job: Job, duplicates: Duplicates, on_event: Listener) -> np.ndarray | None:
    """The fold, int [n], of every training picture, where there are to be folds."""
    from tellapart.verbs._folds import make_folds

    if options.folds is None:
        return None
    fold, said = make_folds(job.collection, duplicates, job.split("train").indices, options.folds, options.seed)
    for words in said:
        on_event(Note(f"folds: {words}"))
    return fold


def _changed(found: Found, options: Options, fresh: bool) -> Found:
    """The recipe with what --set and --epochs change. Raises RecipeError, UsageError; for a `fresh` training also where
    they contradict each other.
    """
    changes = changes_of(found.recipe, options.set)
    if fresh and "epochs" in changes and (options.epochs is not None or options.minutes is not None):
        other = f"epochs = {options.epochs}" if options.minutes is None else f"minutes = {options.minutes:g}"
        raise UsageError(
            f"set epochs = {changes['epochs']} and {other}",
            "one of them: what decides when training ends",
            "leave the other out",
        )
    if options.epochs is not None:
        changes["epochs"] = options.epochs
    return found.changed(changes, "--set") if changes else found


def _check_readable(job: Job) -> None:
    """Raise DataError for a part, or a class of the training split, of which no picture can be read."""
    for split, count in job.split_table.counts().items():
        if count and not len(found := job.split(split)):
            raise DataError(
                f"{job.collection.source}: none of {count:,} {split} pictures can be read ({found.skipped[0].key}: "
                f"{found.skipped[0].reason})",
                "pictures (JPEG, PNG, GIF, BMP, WebP, TIFF or PPM)",
                "repair the files, or leave the part out",
            )
    train = job.split("train")
    lost = set(job.collection.labels[job.split_table.indices("train")].tolist()) - set(train.labels.tolist())
    if lost:
        name = job.collection.class_names[min(lost)]
        first = next(item for item in train.skipped if job.collection.labels[item.index] == min(lost))
        raise DataError(
            f"{job.collection.source}: no training picture of the class {name!r} can be read ({first.key}: "
            f"{first.reason})",
            "pictures of every class",
            "repair the files, or leave the class out",
        )


def _say(on_event: Listener, collection: Collection, split_table: SplitTable, duplicates: Duplicates) -> None:
    from tellapart.data.split_table import groups_across_splits

    on_event(Note(f"split: {split_table}"))
    if same := duplicates.groups:
        files = sum(len(places) for places in same)
        on_event(
            Note(
                f"duplicates: {files:,} pictures in {counted(len(same), 'group')} show the same "
                f"({', '.join(collection.keys[i] for i in same[0][:3])}); the split keeps together what it may"
            )
        )
    if not duplicates.complete:
        on_event(Note(duplicates.not_looked_for()[0]))
    for split in ("validation", "test"):
        leaked, torn = split_table.leaks(split), groups_across_splits(collection, split_table, split)
        if len(torn):
            on_event(
                Note(
                    f"groups: {len(torn):,} of {split_table.counts()[split]:,} {split} pictures belong to groups that "
                    f"also occur in training (the data's own split was kept: {collection.keys[torn[0]]}, ...)"
                )
            )
        if len(leaked):
            share = len(leaked) / split_table.counts()[split]
            on_event(
                Note(
                    f"leakage: {len(leaked):,} of {split_table.counts()[split]:,} {split} pictures ({share:.1%}) are "
                    f"duplicates or near-duplicates of training pictures ({collection.keys[leaked[0]]}, ...): "
                    "metrics are reported with and without them"
                )
            )

"""Planning a training: `decide` makes the plan of a new run, `restore` reads the plan of an interrupted run."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from tellapart.errors import DataError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted, percent
from tellapart.verbs._backbone import (
    Sources,
    check_backbone,
    description_of,
    found_weights,
    known_sha256,
    report_ignored,
    starting_from,
    wanted_backbone,
    with_features,
)
from tellapart.verbs._data import open_data_of, report_reading
from tellapart.verbs._grouping import warn_of_relatives, with_found_groups, with_given_groups
from tellapart.verbs._held_out import split_of, with_folds, without_holding_out
from tellapart.verbs._interrupted import Interrupted, recorded
from tellapart.verbs._recipe_changes import all_changes
from tellapart.verbs._run_pictures import Pictures
from tellapart.verbs._settings import AUTO
from tellapart.verbs._train_options import Options

if TYPE_CHECKING:
    import numpy as np

    from tellapart.data.collection import Collection
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.feeding import Prepared
    from tellapart.data.split_table import SplitTable
    from tellapart.images.preprocessing import Preparation
    from tellapart.recipes.find import AdaptiveRecipe
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.plan import Plan


def decide(options: Options, on_event: Listener) -> tuple[Plan, Pictures]:
    """The plan of a new run and its pictures. Reports each decision. Raises a TellapartError if the input is wrong."""
    from tellapart.recipes.choose import choose_preparation, choose_recipe
    from tellapart.recipes.find import find_recipe

    # A recipe in Python starts Keras, which takes seconds: open the data first, so that its errors show at once.
    late = options.recipe == AUTO or str(options.recipe).endswith(".py")
    found = None if late else find_recipe(options.recipe)
    collection, training = _opened(options, on_event)
    if options.recipe == AUTO:
        name, reason = choose_recipe(collection, training, options.minutes, wanted_backbone(options))
        on_event(Note(f"recipe: {name} ({reason})"))
        found = find_recipe(name)
    found = with_changes(found or find_recipe(options.recipe), options)
    check_backbone(found.recipe, options)
    if found.has_usual_rate:
        rate = f"{found.recipe.learning_rate:g}, the usual one for {found.recipe.optimizer}"
        on_event(Note(f"learning rate: {rate}; --learning-rate changes it"))
    found.recipe.check_classes(len(collection.class_names))  # before all pictures are read, which may take minutes
    weights = found_weights(found.recipe, options, on_event) if found.recipe.backbone else None
    preprocessing, reason = choose_preparation(found.recipe, collection, training, options.minutes)
    on_event(Note(f"pictures: {preprocessing} ({reason})"))
    source = Sources(found, preprocessing, weights)
    pictures = _prepared(options, collection, source, on_event)
    if options.recipe == AUTO and pictures.backbone is not None:
        pictures = _tuned_or_not(pictures, options, on_event)
    pictures = without_holding_out(pictures, options, on_event)
    return _plan(options, pictures, preprocessing, on_event), pictures


def restore(interrupted: Interrupted, on_event: Listener) -> tuple[Plan, Pictures]:
    """The plan of an interrupted run, as its run.json has it, and its pictures.

    Raises CheckpointError if the recipe, the pictures or their split have changed since.
    """
    from tellapart.images.preprocessing import Preparation
    from tellapart.recipes.find import find_recipe
    from tellapart.training.plan import Plan

    interrupted.check_format()
    options, record = interrupted.options, interrupted.record
    collection, _ = _opened(options.model_copy(update={"group": interrupted.group}), on_event)
    base = record["recipe_base"] if options.recipe == AUTO else options.recipe
    found = with_changes(find_recipe(base), options, check=False)
    found.recipe.check_classes(len(collection.class_names))
    interrupted.check_recipe(found)
    interrupted.check_data(collection)
    backbone = found.recipe.backbone
    weights = found_weights(found.recipe, options, on_event, known_sha256(record)) if backbone else None
    preprocessing = Preparation.model_validate(record["preprocessing"])
    source = Sources(found, preprocessing, weights)
    pictures = without_holding_out(_prepared(options, collection, source, on_event, interrupted), options, on_event)
    interrupted.check_split(pictures.split_table)
    changed = found.changed(dict(record["recipe"]), str(interrupted.folder.path))
    recipe = changed.for_data(len(pictures.of("train")), preprocessing.shape)
    return Plan.from_record(record, starting_from(recipe, pictures.backbone)), pictures


def _tuned_or_not(pictures: Pictures, options: Options, on_event: Listener) -> Pictures:
    """The pictures with the recipe that suits them: the backbone as it is, or trained further."""
    import numpy as np

    from tellapart.recipes.choose import choose_tuning
    from tellapart.recipes.find import find_recipe
    from tellapart.training.logistic import fit_head

    train = pictures.of("train")
    assert train.features is not None
    classes = len(pictures.collection.class_names)
    probe = fit_head(train.features, train.labels, classes, seed=options.seed, on_event=on_event)
    name, reason = choose_tuning(probe.accuracy, np.bincount(train.labels), train.pixels.shape[1:], options.minutes)
    on_event(Note(f"fine-tuning: {'no' if name == pictures.found.base else 'yes'} ({reason})"))
    found = pictures.found if name == pictures.found.base else with_changes(find_recipe(name), options)
    return replace(pictures, found=found, probe=probe)


def _opened(options: Options, on_event: Listener) -> tuple[Collection, np.ndarray]:
    """The collection, and the pictures int64 [n] that will be trained on unless duplicates change that.

    Raises DataError and UsageError for all that can be seen before pictures are read.
    """
    from tellapart.classifier.calibration import no_validation
    from tellapart.data.duplicates import Duplicates

    collection = open_data_of(options, on_event)
    collection = with_given_groups(collection, options.group)
    split_table = split_of(collection, options, Duplicates((), ()))
    if options.max_error_rate is not None and not (split_table.counts()["validation"] or options.folds):
        raise no_validation(options.max_error_rate)
    on_event(Note(f"data: {collection.name}, {len(collection):,} pictures, {len(collection.class_names)} classes"))
    report_reading(collection, on_event)
    return collection, split_table.indices("train")


def with_changes(found: AdaptiveRecipe, options: Options, check: bool = True) -> AdaptiveRecipe:
    """The recipe with the changes of --set, --epochs and the options for single fields.

    Raises RecipeError, UsageError; with `check` also if they contradict each other.
    """
    changes = all_changes(found.recipe, options)
    if check and "epochs" in changes and (options.epochs is not None or options.minutes is not None):
        other = f"epochs = {options.epochs}" if options.minutes is None else f"minutes = {options.minutes:g}"
        raise UsageError(f"set epochs = {changes['epochs']} and {other}", "one of them: what ends the training", "")
    if options.epochs is not None:
        changes["epochs"] = options.epochs
    return found.changed(changes, "--set") if changes else found


def _prepared(
    options: Options,
    collection: Collection,
    source: Sources,
    on_event: Listener,
    interrupted: Interrupted | None = None,
) -> Pictures:
    """Read all pictures, compute their features, and split them with their duplicates kept together.

    Reports the split, unless the run was `interrupted`.
    """
    from tellapart.data.feeding import prepare_collection

    whole = prepare_collection(collection, source.preprocessing, on_event)
    data, duplicates = whole.data, whole.duplicates(on_event)
    del whole  # what duplicates were found by may be large
    data, backbone = with_features(collection, data, source, on_event)
    group = options.group if interrupted is None else interrupted.group
    collection, weak = with_found_groups(collection, data, group, on_event)
    split_table = split_of(collection, options, duplicates)
    if interrupted is None:
        _report_split(collection, split_table, duplicates, on_event)
        if weak is not None:
            collection = warn_of_relatives(collection, weak, split_table, on_event)
    pictures = Pictures(collection, split_table, data, source.found, duplicates=duplicates, backbone=backbone)
    _check_readable(pictures)
    return with_folds(pictures, options, on_event)


def _plan(options: Options, pictures: Pictures, preprocessing: Preparation, on_event: Listener) -> Plan:
    """Decide recipe and precision, now that the training pictures are known."""
    from tellapart.training.plan import Decided, make_plan

    train = pictures.of("train")
    recipe, reason = recipe_for(pictures, train, preprocessing)
    if reason:
        on_event(Note(reason))
    if recipe.patience is not None and not pictures.split_table.counts()["validation"]:
        on_event(Note("note: patience has no effect: there is no validation split", warning=True))
    report_ignored(recipe, options, on_event)
    on_event(Note(f"recipe: {_in_words(recipe, len(train), options.minutes)}"))
    precision, reason = _precision(options, recipe, len(train), preprocessing, len(pictures.collection.class_names))
    backend = _backend(recipe)
    on_event(Note(f"backend: {backend}, {precision} ({reason})"))
    collection = pictures.collection
    plain = recorded(options, collection.source)
    backbone = None if pictures.backbone is None else description_of(pictures.backbone)
    decided = Decided(recipe, preprocessing, precision, backend, backbone)
    return make_plan(plain, collection, pictures.split_table, pictures.found, decided)


def _in_words(recipe: Recipe, pictures: int, minutes: float | None) -> str:
    """What the recipe does with a number of training pictures."""
    if recipe.frozen:
        return f"{recipe.name}, logistic regression on the features of {pictures:,} pictures"
    epochs = f"{recipe.epochs} epoch{'s' if recipe.epochs > 1 else ''}"
    lasting = epochs if minutes is None else f"{minutes:g} minutes in total"
    return (
        f"{recipe.name}, {lasting}, {pictures:,} pictures in batches of {recipe.batch_size}, {recipe.optimizer}, "
        f"augmentation: {recipe.augmentation}"
    )


def _backend(recipe: Recipe) -> str:
    """What computes, with its version."""
    if recipe.frozen:
        from importlib.metadata import version

        return f"onnxruntime {version('onnxruntime')}"
    from tellapart.networks import backend

    return backend.describe()


def recipe_for(pictures: Pictures, train: Prepared, preprocessing: Preparation) -> tuple[Recipe, str | None]:
    """The recipe with everything decided that it leaves to the training pictures, and the reason for its mirroring."""
    from tellapart.recipes.choose import choose_mirror

    recipe = pictures.found.for_data(len(train), preprocessing.shape)
    recipe = starting_from(recipe, pictures.backbone)
    return choose_mirror(recipe, train.pixels, train.labels, pictures.collection.class_names)


def _precision(
    options: Options, recipe: Recipe, pictures: int, preprocessing: Preparation, classes: int
) -> tuple[str, str]:
    """The precision to train in, and the reason."""
    if recipe.frozen:
        return "float32", "the backbone is not trained"
    from tellapart.networks.backend import has_accelerator

    if recipe.backbone is not None and options.precision == "auto" and not has_accelerator():
        return "float32", "a processor is slower at depthwise convolutions in bfloat16"
    from tellapart.training.precision import choose_precision

    if options.deterministic and options.precision == "auto":  # which one is faster depends on the machine
        return "float32", "deterministic"
    seen = math.inf if (options.minutes or 0) >= 1 else float(pictures * recipe.epochs)
    return choose_precision(options.precision, recipe, seen, preprocessing.shape, classes)


def _check_readable(pictures: Pictures) -> None:
    """Raise DataError if no picture of a split, or of a class of the training split, can be read."""
    collection = pictures.collection
    for split, count in pictures.split_table.counts().items():
        if count and not len(prepared := pictures.of(split)):
            raise DataError(
                f"{collection.source}: none of {count:,} {split} pictures can be read ({prepared.skipped[0].key}: "
                f"{prepared.skipped[0].reason})",
                "pictures (JPEG, PNG, GIF, BMP, WebP, TIFF or PPM)",
                "repair the files, or leave the split out",
            )
    train = pictures.of("train")
    lost = set(collection.labels[pictures.split_table.indices("train")].tolist()) - set(train.labels.tolist())
    if lost:
        name = collection.class_names[min(lost)]
        first = next(item for item in train.skipped if collection.labels[item.index] == min(lost))
        raise DataError(
            f"{collection.source}: no training picture of the class {name!r} can be read ({first.key}: {first.reason})",
            "pictures of every class",
            "repair the files, or leave the class out",
        )


def _report_split(collection: Collection, split_table: SplitTable, duplicates: Duplicates, on_event: Listener) -> None:
    from tellapart.data.split_table import groups_across_splits

    on_event(Note(f"split: {split_table}"))
    if same := duplicates.groups:
        files = sum(len(places) for places in same)
        first = ", ".join(collection.keys[i] for i in same[0][:3])
        on_event(
            Note(
                f"duplicates: {files:,} pictures form {counted(len(same), 'group')} of duplicates ({first}); each "
                "group stays in one split where possible"
            )
        )
    _report_conflicts(collection, duplicates, on_event)
    if not duplicates.complete:
        on_event(Note(duplicates.not_looked_for()[0], warning=True))
    for split in ("validation", "test"):
        count = f"{split_table.counts()[split]:,} {split} pictures"
        grouped, leaked = groups_across_splits(collection, split_table, split), split_table.leaks(split)
        if len(grouped):
            on_event(
                Note(
                    f"groups: {len(grouped):,} of {count} belong to groups that also occur in training (the data's own "
                    f"split was kept: {collection.keys[grouped[0]]}, ...)",
                    warning=True,
                )
            )
        if len(leaked):
            share = len(leaked) / split_table.counts()[split]
            on_event(
                Note(
                    f"leakage: {len(leaked):,} of {count} ({percent(share)}) are duplicates or near-duplicates "
                    f"of training pictures ({collection.keys[leaked[0]]}, ...): metrics are reported with and without "
                    "them",
                    warning=True,
                )
            )


def _report_conflicts(collection: Collection, duplicates: Duplicates, on_event: Listener) -> None:
    """Warn about duplicates with different labels: at least one of the labels is wrong, of near ones probably."""
    from tellapart.data.finding import first_of_each

    groups = duplicates.conflicts(collection.labels)
    if groups:
        places, exact = groups[0]
        shown = first_of_each(places, collection.label)[:2]
        first = " and ".join(f"{collection.keys[i]} ({collection.label(i)})" for i in shown)
        kinds = "duplicates" if all(same for _, same in groups) else "duplicates or near-duplicates"
        kinds = kinds if any(same for _, same in groups) else "near-duplicates"
        what = f"{counted(len(groups), 'group')} of {kinds} with different labels ({first})"
        wrong = "at least one label is wrong" if exact else "at least one label is probably wrong"
        on_event(Note(f"note: {what}: {wrong}; tellapart check lists them", warning=True))

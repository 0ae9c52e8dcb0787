"""Learn from labelled pictures: split, train a recipe, keep the best weights, evaluate once, save one model file."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from tellapart.errors import DataError, TellapartError, UsageError
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, share

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Collection, SetAside
    from tellapart.data.feeding import Prepared
    from tellapart.data.split import Split
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.images.preparation import Preparation
    from tellapart.plots import LearningCurves
    from tellapart.recipes.find import Found
    from tellapart.recipes.recipe import Recipe
    from tellapart.report.page import Seen
    from tellapart.training.budget import Budget
    from tellapart.training.run import RunFolder
    from tellapart.training.train import Trained


MISTAKES = 12
"""So many of the most confident mistakes are shown in the report."""


class Options(Record):
    """What may be asked of train."""

    data: Any = argument(description="What to learn from: a data set's name, a folder, archive or data file.")
    recipe: Any = Field("quick", description="A library recipe's name, my.toml or my.py.")
    set: Any = Field(
        default_factory=list, description="Change a field of the recipe, such as optimizer=sgd; may be repeated."
    )
    epochs: int | None = Field(None, ge=1, description="Passes over the training pictures; default: the recipe's.")
    minutes: float | None = Field(
        None,
        ge=1 / 6,
        description="Time for everything, reading to saving, instead of epochs; from 1/6 (10 seconds) up.",
    )
    seed: int = Field(
        0, ge=0, lt=2**31, description="Decides the split, the first weights, the order and augmentation."
    )
    validation: float = Field(
        0.1, ge=0, lt=1, description="Share of the training pictures for validation, where the data has no such part."
    )
    test: float = Field(
        0.2, ge=0, lt=1, description="Share of the pictures for the test, where the data has no test part."
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="What to compute in; auto measures once whether bfloat16 is faster here."
    )
    at_most_errors: Any = Field(
        None, description='Answer "unsure" where that keeps wrong answers at this share, for instance 1%.'
    )
    classes: Any = Field(None, description="Text file with the class names in label order, one a line.")
    runs: Path = Field(Path("runs"), description="Folder that gets the run's folder.")

    _at_most_errors = field_validator("at_most_errors")(share)


@dataclass(frozen=True, eq=False)
class Run:
    """What a training gave: its folder, the classifier, the history, and the evaluations by part."""

    path: Path
    classifier: Classifier
    history: list[dict[str, float]]
    best_epoch: int
    evaluations: dict[str, Evaluation]
    train_seconds: float
    set_aside: tuple[SetAside, ...]

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / "model.keras"

    def curves(self) -> LearningCurves:
        """The learning curves."""
        from tellapart.plots import LearningCurves

        return LearningCurves(self.history, self.best_epoch)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        results: dict[str, Any] = {part: found.summary() for part, found in self.evaluations.items()}
        results |= {
            "train_seconds": round(self.train_seconds, 3),
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "set_aside": [item.to_dict() for item in self.set_aside],
        }
        return {"run": str(self.path), "model": str(self.model), "results": results}

    def __str__(self) -> str:
        lines = [found.headline() for found in self.evaluations.values()]
        test = self.evaluations.get("test") or next(iter(self.evaluations.values()), None)
        if test:
            lines += [test.baseline(), test.confidence(), *test.notes()]
        lines.append(f"trained {self.train_seconds:.1f} s, {len(self.history)} epochs, kept epoch {self.best_epoch}")
        return "\n".join([*lines, f"run: {self.path}", f"model: {self.model}", f"report: {self.path / 'report.html'}"])

    def __repr__(self) -> str:
        return f"<Run {self.path}>"

    def _repr_html_(self) -> str:
        from html import escape

        return "".join(found._repr_html_() for found in self.evaluations.values()) + f"<p>{escape(str(self.path))}</p>"


def run(options: Options, on_event: Listener) -> Run:
    """Train. Returns the Run; raises a TellapartError, and leaves no run folder, for anything wrong with the input."""
    from tellapart.classifier.calibration import threshold_for
    from tellapart.data.source import open_collection
    from tellapart.data.split import check_trainable, make_split
    from tellapart.recipes.choose import choose_mirror, choose_preparation
    from tellapart.recipes.find import find_recipe

    began = time.monotonic()
    if options.minutes is not None and options.epochs is not None:
        raise UsageError(
            f"epochs = {options.epochs} and minutes = {options.minutes:g}",
            "one of them: what decides when training ends",
            "leave the other out",
        )
    # A recipe in Python starts Keras, which takes seconds: look at the data first, so that its faults show at once.
    found = None if str(options.recipe).endswith(".py") else find_recipe(options.recipe)
    collection = open_collection(options.data, options.classes, on_event)
    split = make_split(collection, options.validation, options.test, options.seed)
    check_trainable(collection, split)
    if options.at_most_errors is not None and not split.counts()["validation"]:
        threshold_for(options.at_most_errors, ())  # which says what is missing
    found = _changed(found or find_recipe(options.recipe), options)
    preparation, reason = choose_preparation(found.recipe, collection, split.indices("train"))
    _say(on_event, collection, split)
    on_event(Note(f"pictures: {preparation} ({reason})"))

    train = _prepare(collection, split, "train", preparation, on_event)
    validation = (
        _prepare(collection, split, "validation", preparation, on_event) if split.counts()["validation"] else None
    )
    recipe = found.for_data(len(train), preparation.shape)
    recipe, mirroring = choose_mirror(recipe, train.pixels, train.labels, collection.class_names)
    if mirroring:
        on_event(Note(mirroring))
    return _train(options, on_event, collection, split, preparation, recipe, train, validation, began)


def _train(
    options: Options,
    on_event: Listener,
    collection: Collection,
    split: Split,
    preparation: Preparation,
    recipe: Recipe,
    train: Prepared,
    validation: Prepared | None,
    began: float,
) -> Run:
    from tellapart.classifier.make import make_classifier
    from tellapart.data.feeding import batch_for
    from tellapart.images.views import count
    from tellapart.recipes import backend
    from tellapart.training import run as folders
    from tellapart.training.record import describe_training, remembered
    from tellapart.training.train import train_network

    precision = _decide(options, on_event, recipe, len(train), preparation, len(collection.class_names))
    budget = _budget(options, began, recipe, preparation, len(collection))
    evaluated = sum(split.counts()[part] for part in ("validation", "test")) * count(recipe.views)
    asked = options.model_dump(mode="json", exclude={"data", "recipe", "classes"}, fallback=str)
    asked |= {"data": collection.source, "recipe": options.recipe, "classes": options.classes}
    record = describe_training(asked, collection, split, preparation, recipe)
    record |= {"backend": backend.describe(), "precision": precision}
    folder = folders.RunFolder.create(options.runs, collection.name, recipe.name)
    try:
        folder.write(record | {"status": "running"})
        split.save(folder.path / folders.SPLIT, collection)
        (folder.path / folders.CLASSES).write_text("\n".join(collection.class_names) + "\n", encoding="utf-8")
        trained = train_network(
            recipe, train, validation, len(collection.class_names), options.seed, precision, folder.path, on_event,
            budget, evaluated,
        )  # fmt: skip
        classifier = make_classifier(
            trained.network,
            collection.class_names,
            preparation,
            recipe.loss,
            remembered(record, collection, split),
            (validation or train).pixels[: min(256, batch_for(preparation.shape))],
            recipe.views,
        )
        classifier.save(folder.path / folders.MODEL)  # before all else: whatever happens now, the model is kept
        result = _finish(
            folder, record, on_event, collection, split, trained, classifier, train, validation, options.at_most_errors
        )
        if budget is not None:
            late = budget.all_ended(trained.seconds)
            if late:
                on_event(Note(late))
        return result
    except BaseException as error:
        _abandon(folder, record, error)
        raise


def _decide(
    options: Options, on_event: Listener, recipe: Recipe, pictures: int, preparation: Preparation, classes: int
) -> str:
    """The precision to train in; says it, and what is trained for how long."""
    from tellapart.recipes import backend
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
    precision, reason = choose_precision(options.precision, recipe, seen, preparation.shape, classes)
    on_event(Note(f"backend: {backend.describe()}, {precision} ({reason})"))
    return precision


def _budget(options: Options, began: float, recipe: Recipe, preparation: Preparation, pictures: int) -> Budget | None:
    """The time that was given, if any."""
    if options.minutes is None:
        return None
    from tellapart.recipes import backend
    from tellapart.training.budget import Budget
    from tellapart.training.run import processor

    key = f"{processor()}, {backend.describe()}, {recipe.name} {preparation.shape}, {pictures}"
    return Budget(options.minutes * 60, began, key)


def _finish(
    folder: RunFolder,
    record: dict[str, Any],
    on_event: Listener,
    collection: Collection,
    split: Split,
    trained: Trained,
    classifier: Classifier,
    train: Prepared,
    validation: Prepared | None,
    at_most_errors: float | None,
) -> Run:
    from tellapart.classifier.make import calibrate, learn_ordinary
    from tellapart.evaluation.baselines import ShrunkenPixels
    from tellapart.evaluation.evaluate import evaluate_part
    from tellapart.training import run as folders

    rules = (ShrunkenPixels(train.pixels, train.labels),)
    evaluations: dict[str, Evaluation] = {}
    if validation is not None:
        raw = evaluate_part(
            classifier, collection, split.indices("validation"), "validation", on_event, rules, validation
        )
        try:
            calibrate(classifier, raw.probabilities, raw.labels, at_most_errors)
        except UsageError as error:  # by now a training lies behind us: say it, and keep the model
            on_event(Note(f"note: {error.given}; {error.action}"))
        evaluations["validation"] = raw.calibrated(classifier)
    learn_ordinary(classifier, train, validation)
    if split.counts()["test"]:
        test = evaluate_part(classifier, collection, split.indices("test"), "test", on_event, rules)
        evaluations = {"test": replace(test, looks=1)} | evaluations
        if classifier.views != "none":
            once, name = classifier.with_views("none"), "test, one view"
            evaluations["test_one_view"] = evaluate_part(once, collection, split.indices("test"), name, on_event)
    else:
        on_event(Note("test: there is no test part, so no figure here is on pictures that took no part in choosing"))
    set_aside = train.set_aside + (validation.set_aside if validation else ())
    set_aside += evaluations["test"].set_aside if "test" in evaluations else ()
    result = Run(
        folder.path, classifier, trained.history, trained.best_epoch, evaluations, trained.seconds, tuple(set_aside)
    )
    figures = result.to_dict()["results"]
    classifier.record = classifier.record.model_copy(update={"figures": figures})
    classifier.save(folder.path / folders.MODEL)
    classifier.source = str(folder.path / folders.MODEL)
    result.curves().save(folder.path / folders.CURVES)
    full = {part: found.to_dict() for part, found in evaluations.items()}
    record = record | {"status": "done", "finished": folders.now()} | result.to_dict() | {"evaluation": full}
    _report(record, result, train, collection, trained)
    folder.write(record)
    if set_aside:
        first = "; ".join(f"{item.key} {item.reason}" for item in set_aside[:3])
        on_event(Note(f"set aside: {len(set_aside):,} pictures that cannot be read ({first}); all are in run.json"))
    return result


def _report(record: dict[str, Any], result: Run, train: Prepared, collection: Collection, trained: Trained) -> None:
    from tellapart.report.page import Facts, write_report

    names = result.classifier.class_names
    firsts = [i for c in range(len(names)) for i in (train.labels == c).nonzero()[0][: max(1, 18 // len(names))]][:18]
    layers = [layer.model_dump() for layer in result.classifier.record.layers]
    labels = [names[train.labels[i]] for i in firsts]
    found = result.evaluations.get("test") or result.evaluations.get("validation")
    mistakes = _mistakes(found, result.classifier, collection, trained) if found else []
    facts = Facts(record, result.history, layers, [train.pixels[i] for i in firsts], labels, found, mistakes)
    write_report(facts, result.path)


def _mistakes(found: Evaluation, classifier: Classifier, collection: Collection, trained: Trained) -> list[Seen]:
    """The most confident mistakes with their pictures, and with what spoke for the answers."""
    import numpy as np

    from tellapart.explanation.heat import HeatMaps, occlusion
    from tellapart.plots import overlay
    from tellapart.report.page import Seen

    wrong = found.mistakes(MISTAKES)
    if not wrong:
        return []
    prepared = [classifier.preparation(collection.read(int(found.indices[item.position]))) for item in wrong]
    pictures = np.stack(prepared)
    answers = np.array([found.class_names.index(item.predicted) for item in wrong])
    try:
        heats = HeatMaps(trained.network)(pictures, answers)
    except LookupError:  # no convolutions
        heats = np.stack([occlusion(classifier.probabilities, *one) for one in zip(prepared, answers, strict=True)])
    shown = zip(wrong, prepared, heats, strict=True)
    return [Seen(item, picture, overlay(picture, heat)) for item, picture, heat in shown]


def _changed(found: Found, options: Options) -> Found:
    import tomllib

    changes: dict[str, Any] = {}
    asked = [options.set] if isinstance(options.set, str) else options.set
    items = asked.items() if isinstance(asked, Mapping) else [_assignment(text) for text in asked]
    for name, value in items:
        if isinstance(value, str):  # words need no quotes; numbers, true and false are read as TOML
            with contextlib.suppress(tomllib.TOMLDecodeError):
                value = tomllib.loads(f"x = {value}")["x"]
        parent, _, child = name.replace("-", "_").partition(".")
        if child:
            kept = changes.get(parent) or getattr(found.recipe, parent, None)
            value = (kept if isinstance(kept, dict) else kept.model_dump() if kept else {}) | {child: value}
        changes[parent] = value
    if options.epochs is not None:
        changes["epochs"] = options.epochs
    return found.changed(changes, "--set") if changes else found


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = str(text).partition("=")
    if not sign:
        raise UsageError(
            f"--set {text}", "FIELD=VALUE, for instance optimizer=sgd or augmentation.zoom=0.2", "add both"
        )
    return name.strip(), value.strip()


def _prepare(collection: Collection, split: Split, part: str, preparation: Preparation, on_event: Listener) -> Prepared:
    from tellapart.data.feeding import prepare_pictures

    data = prepare_pictures(collection, split.indices(part), preparation, on_event, f"read {part}")
    lost = set(collection.labels[split.indices(part)].tolist()) - set(data.labels.tolist())
    if lost and part == "train":
        name = collection.class_names[min(lost)]
        raise DataError(
            f"{collection.source}: no training picture of the class {name!r} can be read ({data.set_aside[0].key}: "
            f"{data.set_aside[0].reason})",
            "pictures of every class",
            "repair the files, or leave the class out",
        )
    return data


def _say(on_event: Listener, collection: Collection, split: Split) -> None:
    on_event(Note(f"data: {collection.name}, {len(collection):,} pictures, {len(collection.class_names)} classes"))
    for note in collection.notes:
        on_event(Note(f"note: {note}"))
    on_event(Note(f"split: {split}"))


def _abandon(folder: RunFolder, record: dict[str, Any], error: BaseException) -> None:
    """Keep the folder of a training that got somewhere, and say in it what ended it; else take it away."""
    if (folder.path / "history.csv").exists():
        reason = error.to_dict() if isinstance(error, TellapartError) else {"error": type(error).__name__}
        model = {"model": str(folder.path / "model.keras")} if (folder.path / "model.keras").exists() else {}
        folder.write(record | {"status": "failed", "reason": reason} | model)
    else:
        folder.remove()

"""Compare models on the same pictures: accuracy with paired intervals, size, training and prediction time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tellapart.errors import DataError, ModelFileError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted
from tellapart.verbs import Record, argument, check_drawing, write_plot
from tellapart.verbs._data import said_in
from tellapart.verbs._options import (
    ClassNames,
    Delimiter,
    ImageColumn,
    ImagesFolder,
    LabelPlace,
    Models,
    Source,
    SplitColumn,
)
from tellapart.verbs._runs import find_run, is_run, load_model

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.evaluation.comparison import Comparison, Contender
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.evaluation.unseen import Provenance

ONE, MANY = 50, 512
"""Predictions of one picture at a time, and pictures predicted together, that are timed; the fastest of three rounds
counts. Slow models get fewer."""

SECONDS = 1.0
"""About the longest that a round may take. It has at least 3 single pictures, and no more than fit in 64 MiB."""


class Options(Record):
    """The options of compare."""

    models: Models = argument(
        description="Two or more .keras files, run folders or run names; the others are compared with the first. Data "
        "may come last."
    )
    data: Source = Field(None, description="The pictures; default: the data that the first model was trained on.")
    split: Literal["test", "validation", "all"] = Field("test", description="Which split of the data.")
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one per line.")
    label: LabelPlace = None
    image_column: ImageColumn = None
    images: ImagesFolder = None
    split_column: SplitColumn = None
    delimiter: Delimiter = None
    output: Path | None = Field(
        None, description="The PNG file to draw into; default: comparison.png in tellapart-out/."
    )


def run(options: Options, on_event: Listener) -> Comparison:
    """Compare on the pictures of the split that no model has seen. Raises ModelFileError, UsageError, DataError."""
    from tellapart.evaluation.comparison import compare
    from tellapart.evaluation.evaluate import evaluate_split
    from tellapart.evaluation.unseen import Provenance, open_data

    check_drawing(options.output)
    names, data = _models_and_data(options, on_event)
    models = [load_model(model) for model in names]
    _check_classes(models)
    collection = open_data(models[0], data, options.classes, on_event, said_in(options)).collection
    provenances = [Provenance(model, collection) for model in models]
    indices, reason = _pictures(provenances, options.split)
    on_event(Note(f"{options.split}: {len(indices):,} pictures, {reason}"))
    contenders = []
    for name, provenance in zip(_names(models), provenances, strict=True):
        evaluation = evaluate_split(provenance.classifier, collection, indices, options.split, on_event)
        contenders.append(_contender(name, provenance.classifier, evaluation))
        _count_evaluation(name, provenance, options.split, on_event)
    result = compare(options.split, contenders, collection.name)
    return replace(result, output=write_plot(result.plot(), options.output, "comparison", on_event))


def _models_and_data(options: Options, on_event: Listener) -> tuple[list[Any], Any]:
    """The models and the data; a last argument that is data and not a model is the data. Raises UsageError."""
    models, data = list(options.models), options.data
    if data is None and models and _is_data(models[-1]):
        data = models.pop()
        on_event(Note(f"data: {data} (the last argument, which is not a model)"))
    if len(models) < 2:
        given = f"compare with {counted(len(models), 'model')}" + (f" and the data {data}" if data is not None else "")
        raise UsageError(given, "two or more models", "'tellapart runs' lists the runs")
    return models, data


def _is_data(name: Any) -> bool:
    """Whether an argument is the name of a data set, or a path that is not a model, and not the name of a run."""
    from tellapart.data import datasets

    if not isinstance(name, (str, os.PathLike)):
        return False
    try:
        path = Path(find_run(name))
    except ModelFileError:
        return os.fspath(name) in datasets.names()
    return not (is_run(path) or (path / "model.keras").exists() or path.suffix in (".keras", ".h5", ".hdf5"))


def _count_evaluation(name: str, provenance: Provenance, split: str, on_event: Listener) -> None:
    """Count the evaluation on a model's test split, and warn from the second on."""
    count = provenance.count_evaluation(split)
    if count is not None and count > 1:
        text = (
            f"note: the test split of {name} has now been evaluated {counted(count, 'time')}; "
            "each reuse makes its metrics more optimistic"
        )
        on_event(Note(text, warning=True))


def _check_classes(models: list[Classifier]) -> None:
    """Raise UsageError unless all models have the same classes."""
    first = set(models[0].class_names)
    for model in models[1:]:
        if other := first ^ set(model.class_names):
            raise UsageError(
                f"{model.source}: has other classes than {models[0].source} (only one of them has "
                f"{', '.join(sorted(other)[:10])})",
                "models of the same classes",
                "compare models that were trained for the same question",
            )


def _pictures(provenances: list[Provenance], split: str) -> tuple[np.ndarray, str]:
    """The pictures, int64 [n], that belong to the split for every model and that no training saw; and how many it did.

    Raises DataError if there are none.
    """
    import numpy as np

    source = provenances[0].collection.source
    indices = reduce(np.intersect1d, [provenance.pictures(split)[0] for provenance in provenances])
    if not len(indices):
        raise DataError(
            f"{source}: no {split} picture is new to all of the models",
            "models trained with the same seed and split options, which share a test split",
            "name other data with --data",
        )
    known = reduce(np.union1d, [provenance.trained_on(split) for provenance in provenances], np.empty(0, np.int64))
    unseen = indices[~np.isin(indices, known)]
    if not len(unseen):
        raise DataError(
            f"{source}: each of these {len(indices):,} pictures was used to train at least one of the models",
            "pictures that are new to all of the models",
            "name other data with --data; each model's own metrics are in its report",
        )
    left_out = len(indices) - len(unseen)
    also = f"; {left_out:,} more are left out because training saw them or duplicates of them" if left_out else ""
    return unseen, f"those in this split for every model{also}"


def _contender(name: str, model: Classifier, evaluation: Evaluation) -> Contender:
    import numpy as np

    from tellapart.evaluation.comparison import Contender

    shape = model.preprocessing.shape
    one = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    first = _seconds(lambda: model.predict(one))
    alone, many = (max(3, min(most, int(SECONDS / first))) for most in (ONE, MANY))
    many = max(1, min(many, 2**26 // one.size))
    pictures = np.random.default_rng(0).integers(0, 256, (many, *shape), np.uint8)
    single_seconds = _seconds(lambda: [model.predict(one) for _ in range(alone)]) / alone
    batch_seconds = _seconds(lambda: model.predict(pictures)) / many
    source = Path(model.source)
    size = source.stat().st_size if source.is_file() else sum(map(len, model.members.values()))
    layers = model.record.layers
    return Contender(
        name=name,
        evaluation=evaluation,
        parameters=sum(layer.parameters for layer in layers),
        operations=sum(layer.operations for layer in layers),
        train_seconds=model.record.metrics.get("train_seconds"),
        single_seconds=single_seconds,
        batch_seconds=batch_seconds,
        bytes=size,
    )


def _seconds(work: Callable[[], object]) -> float:
    """The fastest of three rounds."""
    rounds = []
    for _ in range(3):
        started = time.perf_counter()
        work()
        rounds.append(time.perf_counter() - started)
    return min(rounds)


def _names(models: list[Classifier]) -> list[str]:
    """Short distinct names: the run folder's or the file's, else the whole path."""
    paths = [Path(model.source) for model in models]
    ways = (
        [path.parent.name if is_run(path.parent) else path.stem for path in paths],
        [model.source for model in models],
        [f"{number}" for number, _ in enumerate(models, 1)],
    )
    return next(names for names in ways if len(set(names)) == len(names) and all(names))

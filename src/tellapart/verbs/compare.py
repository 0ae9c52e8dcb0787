"""Put models side by side on the same pictures: accuracy with paired intervals, size, training and prediction time."""

from __future__ import annotations

import time
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from tellapart.errors import DataError, UsageError
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, check_drawing, write_plot
from tellapart.verbs.evaluate import choose_pictures, count_evaluation_of, open_data

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Collection
    from tellapart.evaluation.comparison import Comparison

ONE, MANY = 50, 512
"""So many answers to one picture, and one to so many, are timed, or fewer; the fastest of three rounds counts."""

SECONDS = 1.0
"""What a round may take, about; the pictures of one are at least 3, and of many no more than fit in 64 MiB."""


class Options(Record):
    """What may be asked of compare."""

    models: list[Any] = argument(description="Two or more .keras files or run folders; the first is compared with.")
    data: Any = Field(None, description="The pictures; default: the data that the first model was trained on.")
    split: Literal["test", "validation", "all"] = Field("test", description="Which part of the data.")
    classes: Any = Field(None, description="Text file with the class names in label order, one a line.")
    output: Path | None = Field(None, description="The PNG file to draw into; default: comparison.png here.")

    @field_validator("models")
    @classmethod
    def _at_least_two(cls, value: list[Any]) -> list[Any]:
        if len(value) < 2:
            raise ValueError("two models or more, since there is nothing to compare one with")
        return value


def run(options: Options, on_event: Listener) -> Comparison:
    """Compare. Raises ModelFileError, UsageError, DataError; pictures outside any of the models' part are left out."""
    import numpy as np

    from tellapart.classifier.classifier import load_classifier
    from tellapart.evaluation.comparison import compare
    from tellapart.evaluation.evaluate import evaluate_split

    check_drawing(options.output)
    models = [load_classifier(model) for model in options.models]
    classes = [set(model.class_names) for model in models]
    for model, own in zip(models, classes, strict=True):
        if own != classes[0]:
            odd = ", ".join(sorted(own ^ classes[0])[:10])
            raise UsageError(
                f"{model.source}: knows other classes than {models[0].source} (only one of them has {odd})",
                "models of the same classes",
                "compare models that were trained for the same question",
            )
    collection = open_data(models[0], options.data, options.classes, on_event)
    splits = [choose_pictures(model, collection, options.split)[0] for model in models]
    indices = reduce(np.intersect1d, splits)
    if not len(indices):
        raise DataError(
            f"{collection.source}: no {options.split} picture is new to all of the models",
            "models trained with the same seed and parts, whose test split is the same",
            "name other data with --data",
        )
    indices, known = _new_to_all(models, collection, options.split, indices)
    also = f"; {known:,} more are left out, since training saw them or the same" if known else ""
    on_event(Note(f"{options.split}: {len(indices):,} pictures, those that are in this part for every model{also}"))
    contenders = []
    for name, model in zip(_names(models), models, strict=True):
        found = evaluate_split(model, collection, indices, options.split, on_event)
        contenders.append(_contender(name, model, found))
        looks = count_evaluation_of(model, collection, options.split)
        if looks is not None and looks > 1:
            on_event(Note(f"note: this is look number {looks} at the test split of {name}"))
    result = compare(options.split, contenders)
    path = write_plot(result.plot(), options.output, "comparison", on_event)
    if path is not None:
        on_event(Note(f"drawn: {path}"))
    return result


def _new_to_all(
    models: list[Classifier], collection: Collection, split: str, indices: np.ndarray
) -> tuple[np.ndarray, int]:
    """The pictures that no model's training saw, itself or the same one, and how many it saw. Raises DataError."""
    import numpy as np

    from tellapart.verbs.evaluate import trained_on

    known = reduce(np.union1d, (trained_on(model, collection, split) for model in models), np.empty(0, np.int64))
    fresh = indices[~np.isin(indices, known)]
    if not len(fresh):
        raise DataError(
            f"{collection.source}: training of one of the models or another saw all of these {len(indices):,} pictures",
            "pictures that are new to all of the models",
            "name other data with --data; each model's own figures are in its report",
        )
    return fresh, len(indices) - len(fresh)


def _contender(name: str, model: Classifier, found: Any) -> Any:
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
        evaluation=found,
        parameters=sum(layer.parameters for layer in layers),
        operations=sum(layer.operations for layer in layers),
        train_seconds=model.record.metrics.get("train_seconds"),
        single_seconds=single_seconds,
        batch_seconds=batch_seconds,
        bytes=size,
    )


def _seconds(work: Any) -> float:
    found = []
    for _ in range(3):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def _names(models: list[Classifier]) -> list[str]:
    """Short names that tell the models apart: the recipe's, else the run's folder, else the whole path."""
    ways = (
        [model.record.recipe_name or model.source for model in models],
        [Path(model.source).parent.name for model in models],
        [model.source for model in models],
        [f"{number}" for number, _ in enumerate(models, 1)],
    )
    return next(names for names in ways if len(set(names)) == len(names) and all(names))

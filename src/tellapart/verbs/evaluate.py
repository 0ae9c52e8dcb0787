"""Measure a model on pictures that it was not trained on: accuracy with its interval, loss, confusions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Collection
    from tellapart.evaluation.evaluate import Evaluation


class Options(Record):
    """What may be asked of evaluate."""

    model: Any = argument(description="A .keras file that tellapart wrote, or a run folder.")
    data: Any = argument(None, description="The pictures; default: the data that the model was trained on.")
    part: Literal["test", "validation", "train", "all"] = Field("test", description="Which part of the data.")
    classes: Any = Field(None, description="Text file with the class names in label order, one a line.")


def run(options: Options, on_event: Listener) -> Evaluation:
    """Evaluate. Raises ModelFileError, UsageError, DataError."""
    from tellapart.classifier.classifier import Classifier, load_classifier
    from tellapart.data.source import open_collection
    from tellapart.evaluation.evaluate import evaluate_part

    model = options.model
    classifier = model if isinstance(model, Classifier) else load_classifier(model)
    data = options.data if options.data is not None else _own_data(classifier)
    collection = open_collection(data, options.classes, on_event)
    indices, reason = choose_pictures(classifier, collection, options.part)
    on_event(Note(f"{options.part}: {len(indices):,} pictures, {reason}"))
    return evaluate_part(classifier, collection, indices, options.part, on_event)


def choose_pictures(classifier: Classifier, collection: Collection, part: str) -> tuple[np.ndarray, str]:
    """The pictures that `part` means for this model and data, int64 [n], and why, in words.

    On the data that the model was trained on this is the very part of its training, cut again from the recorded seed.
    """
    from tellapart.data.split import make_split

    if part == "all":
        return collection.indices(None), "all there are"
    training = classifier.record.training
    if collection.fingerprint == training.get("data", {}).get("fingerprint"):
        split = make_split(collection, **training["split"])
        return split.indices(part), "the same as at its training"
    if part in collection.given_parts:
        return collection.indices(part), "as the data gives them"
    if not collection.given_parts and part == "test":
        return collection.indices(None), "all there are: the data states no parts, and is not what it was trained on"
    given = ", ".join(collection.given_parts) or "none"
    raise UsageError(
        f"{collection.source}: has no part {part!r} (its parts: {given})",
        "a part that the data states",
        "use --part all",
    )


def _own_data(classifier: Classifier) -> str:
    source = classifier.record.training.get("data", {}).get("source")
    if not source:
        raise UsageError("the data is missing", "what to evaluate on", "give it: tellapart evaluate MODEL DATA")
    return source

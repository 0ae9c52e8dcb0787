"""Measure a model on pictures that it was not trained on: every figure with its interval, beside baselines."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from tellapart.errors import DataError, UsageError
from tellapart.images.views import Views
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, share

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Collection
    from tellapart.data.split_table import SplitTable
    from tellapart.evaluation.evaluate import Rule
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.evaluation.ood_result import OodResult


STRANGE = 5000
"""So many pictures of data of another kind are looked at."""

MISSING = "name it: tellapart evaluate MODEL DATA, or --data DATA with compare"


class Options(Record):
    """What may be asked of evaluate."""

    model: Any = argument(description="A .keras file that tellapart wrote, or a run folder.")
    data: Any = argument(None, description="The pictures; default: the data that the model was trained on.")
    split: Literal["test", "validation", "train", "all"] = Field("test", description="Which part of the data.")
    views: Views | None = Field(
        None, description="Test-time augmentation to average over; default: as the model has it."
    )
    classes: Any = Field(None, description="Text file with the class names in label order, one a line.")
    max_error_rate: Any = Field(
        None,
        description='Answer "unsure" below a confidence that keeps errors among the others at this share, such as 1%.',
    )
    ood: Any = Field(
        None, description="Data of another kind: measure how well its pictures are told from familiar ones."
    )

    _max_error_rate = field_validator("max_error_rate")(share)


def run(options: Options, on_event: Listener) -> Evaluation:
    """Evaluate. Raises ModelFileError, UsageError, DataError."""
    from tellapart.classifier.classifier import load_classifier
    from tellapart.evaluation.evaluate import evaluate_split

    classifier = load_classifier(options.model)
    if options.views is not None:
        classifier = classifier.with_views(options.views)
    if options.max_error_rate is not None:
        classifier = classifier.with_max_error_rate(options.max_error_rate)
    if warning := classifier.calibration_warning():
        on_event(Note(warning))
    collection = open_data(classifier, options.data, options.classes, on_event)
    indices, reason = choose_pictures(classifier, collection, options.split)
    on_event(Note(f"{options.split}: {len(indices):,} pictures, {reason}"))
    split_table = split_of(classifier, collection)
    rules = _rules(classifier, collection, split_table, options.split, on_event) if split_table else ()
    found = evaluate_split(classifier, collection, indices, options.split, on_event, rules)
    found = found.with_leaks(trained_on(classifier, collection, options.split))
    if options.ood is not None:
        found = replace(found, ood=_compared(classifier, found, options.ood, on_event))
    return replace(found, looks=count_evaluation_of(classifier, collection, options.split))


def count_evaluation_of(classifier: Classifier, collection: Collection, split: str) -> int | None:
    """Count an evaluation on the model's test split, if `split` of this collection contains it.

    Returns how many there have been, or None if this was not one.
    """
    from tellapart.training.run import count_test_evaluation

    split_table = split_of(classifier, collection)
    if split_table is None or split not in ("test", "all") or not split_table.counts()["test"]:
        return None
    return count_test_evaluation(classifier.source, collection.fingerprint)


def _compared(classifier: Classifier, found: Evaluation, source: Any, on_event: Listener) -> OodResult:
    """How well the pictures of other data, at most some thousands of them, are told from those that were evaluated."""
    from tellapart.data.feeding import prepare_pictures
    from tellapart.data.source import open_collection
    from tellapart.evaluation.evaluate import measure_ood

    other = open_collection(source, None, on_event)
    indices = other.indices("test" if "test" in other.given_splits else None)
    strange = prepare_pictures(other, indices[:: -(-len(indices) // STRANGE)], classifier.preprocessing, on_event)
    return measure_ood(classifier, found, strange.pixels, other.name)


def trained_on(classifier: Classifier, collection: Collection, split: str) -> np.ndarray:
    """The pictures of a part, int64 [n], that training saw, or the same ones of; as far as that is known.

    Of other data `choose_pictures` gives none that training saw, but for the part `all`.
    """
    import numpy as np

    split_table = split_of(classifier, collection)
    if split_table is not None:
        return (
            split_table.leaks(split)
            if split != "all"
            else np.union1d(np.flatnonzero(split_table.splits != "test"), split_table.leaked)
        )
    seen = _seen(classifier, collection, collection.indices(None)) if split == "all" else None
    return np.empty(0, np.int64) if seen is None else np.flatnonzero(seen)


def split_of(classifier: Classifier, collection: Collection) -> SplitTable | None:
    """The split of the classifier's training, where the collection is the one it was trained on. Raises DataError."""
    from tellapart.data.split_table import unpack_splits

    if not _is_its_own(classifier, collection):
        return None
    return unpack_splits(collection, classifier.record.training.get("split", {}))


def _is_its_own(classifier: Classifier, collection: Collection) -> bool:
    """Whether a collection is what a classifier was trained on: by names and sizes and, where its run lies beside it,
    by the content of some files, for a camera may number anew each day and write files of one size.
    """
    from tellapart.data.split_table import is_of
    from tellapart.training.run import record_of

    if collection.fingerprint != classifier.record.fingerprint:
        return False
    path = Path(classifier.source).with_name("split.csv")
    beside = path.is_file() and record_of(classifier.source, collection.fingerprint) is not None
    return not beside or is_of(path, collection)


def _rules(
    classifier: Classifier, collection: Collection, split_table: SplitTable, split: str, on_event: Listener
) -> tuple[Rule, ...]:
    """The baselines that learn, from pictures that the model learnt from."""

    from tellapart.data.feeding import prepare_pictures
    from tellapart.evaluation.baselines import ShrunkenPixels, baseline_sample
    from tellapart.evaluation.evaluate import positions

    if split in ("train", "all"):
        return ()
    indices = split_table.indices("train")
    chosen = indices[baseline_sample(collection.labels[indices])]
    train = prepare_pictures(collection, chosen, classifier.preprocessing, on_event, "read pictures for a baseline")
    return (ShrunkenPixels(train.pixels, positions(classifier, collection, chosen)[train.labels]),)


def choose_pictures(classifier: Classifier, collection: Collection, split: str) -> tuple[np.ndarray, str]:
    """The pictures that `part` means for this model and data, int64 [n], and why, in words.

    On the data that the model was trained on this is the very part of its training, which its file remembers.
    On other data the pictures that training saw are left out, where the run's split.csv lies beside the model.
    """
    if split == "all":
        return collection.indices(None), "all there are, whether training saw them or not"
    split_table = split_of(classifier, collection)
    if split_table is not None and not len(split_table.indices(split)):
        there = ", ".join(name for name, count in split_table.counts().items() if count)
        raise UsageError(
            f"{classifier.source}: was trained without {split} pictures of {collection.source}",
            f"one of its training's parts ({there}), or pictures that it has not seen",
            "its own figures are in report.md and run.json; to measure it anew, give other pictures",
        )
    if split_table is not None:
        return split_table.indices(split), "the same as at its training"
    if split in collection.given_splits:
        return _unseen(classifier, collection, collection.indices(split), "as the data gives them", split)
    if not collection.given_splits and split == "test":
        reason = "all there are: the data states no parts and is not what the model was trained on"
        return _unseen(classifier, collection, collection.indices(None), reason, split)
    given = ", ".join(collection.given_splits) or "none"
    raise UsageError(
        f"{collection.source}: has no part {split!r} (its parts: {given})",
        "a part that the data states",
        "use --split all",
    )


def _unseen(
    classifier: Classifier, collection: Collection, indices: np.ndarray, reason: str, split: str
) -> tuple[np.ndarray, str]:
    if split == "train":
        return indices, reason
    seen = _seen(classifier, collection, indices)
    if seen is None:
        unknown = "; which of them training saw is not known, since no split.csv of its run lies beside the model"
        return indices, f"{reason}{unknown if classifier.record.training else ''}"
    fresh = indices[~seen]
    if len(fresh) == len(indices):
        return indices, f"{reason}; none of them is, bit for bit, one that its training saw"
    if not len(fresh):
        raise DataError(
            f"{collection.source}: all of its {len(indices):,} pictures took part in the model's training",
            "pictures that the model has not seen",
            "give other data, or --split all to look at them all the same",
        )
    return fresh, f"{reason}; {len(indices) - len(fresh):,} more are left out, since its training saw them"


def _seen(classifier: Classifier, collection: Collection, indices: np.ndarray) -> np.ndarray | None:
    """Which pictures, bool [n], the training of a model saw, by the split.csv of its run; None where there is none."""
    import numpy as np

    from tellapart.data.split_table import read_seen
    from tellapart.training.run import record_of

    path = Path(classifier.source).with_name("split.csv")
    own = record_of(classifier.source, classifier.record.fingerprint) is not None
    known_by = read_seen(path) if own and path.is_file() else None
    if known_by is None:
        return None
    seen, content = known_by
    return np.array([known in seen for known in collection.identities(indices, content)], bool)


def open_data(classifier: Classifier, data: Any, classes: Any, on_event: Listener) -> Collection:
    """The pictures to look at: `data`, or where that is None, what the model was trained on, if it still is as it was.

    Raises UsageError and DataError.
    """
    from tellapart.data.source import open_collection

    record, own = classifier.record, data is None
    data = own_data(classifier) if own else data
    classes = classes or (record.trained_names if _same_source(data, record.trained_on) else None)
    collection = open_collection(data, classes, on_event)
    if own and not _is_its_own(classifier, collection):
        raise DataError(
            f"{collection.source}: is not as it was when the model was trained",
            "the same pictures, so that its test split can be found again",
            "name the data to look at instead",
        )
    for note in () if own else collection.notes:  # of its own, training has said them
        on_event(Note(f"note: {note}"))
    return _grouped(classifier, collection)


def _grouped(classifier: Classifier, collection: Collection) -> Collection:
    """With the groups that its training was given, where it is that one's data and the run lies beside the model: a
    regular expression of somebody else's file is not tried.
    """
    from tellapart.data.groups import grouped
    from tellapart.training.run import record_of

    record = record_of(classifier.source, collection.fingerprint) if _is_its_own(classifier, collection) else None
    group = (record or {}).get("options", {}).get("group")
    return grouped(collection, group) if isinstance(group, str) else collection


def own_data(classifier: Classifier, fetched: bool = True) -> str:
    """Where the data that a model was trained on lies. A file from elsewhere does not decide which folder of this
    machine is read: a run has to lie beside the model, or the data to be one that tellapart knows by name, and has here
    already unless it may be `fetched`.

    Raises UsageError.
    """
    from tellapart.data import datasets
    from tellapart.training.run import RECORD

    source = classifier.record.trained_on
    if source is None:
        raise UsageError("the data is missing", "what to look at", MISSING)
    known = source in datasets.names() and (fetched or datasets.is_here(source))
    if not known and not Path(classifier.source).with_name(RECORD).is_file():
        raise UsageError(
            f"the data is missing: no run lies beside {classifier.source}, and its word alone decides nothing",
            f"what to look at, for instance {source!r}, which it says it was trained on",
            MISSING,
        )
    if not known and not os.path.exists(source):  # noqa: PTH110  # Path.exists raises where nobody may look
        raise UsageError(
            f"the data is missing: the model was trained on {source!r}, which is not here", "what to look at", MISSING
        )
    return source


def _same_source(data: Any, source: str | None) -> bool:
    return isinstance(data, (str, Path)) and source in (str(data), str(Path(data).expanduser().resolve()))

"""Measure a model on pictures that it was not trained on: metrics with confidence intervals, next to baselines."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from tellapart.images.views import Views
from tellapart.progress import Listener, Note
from tellapart.verbs import Record, argument, share
from tellapart.verbs._data import open_inferred, said_in
from tellapart.verbs._options import (
    ClassNames,
    Delimiter,
    ImageColumn,
    ImagesFolder,
    LabelPlace,
    Model,
    Share,
    Source,
    SplitColumn,
)
from tellapart.verbs._runs import load_for_answers

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier
    from tellapart.evaluation.evaluate import Rule
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.evaluation.ood_result import OodResult
    from tellapart.evaluation.unseen import Provenance

MOST_OOD = 5000
"""At most this many out-of-distribution pictures are evaluated."""


class Options(Record):
    """The options of evaluate."""

    model: Model = argument(description='A .keras file, a run folder, a run\'s name, or "last".')
    data: Source = argument(None, description="The pictures; default: the data that the model was trained on.")
    split: Literal["test", "validation", "train", "all"] = Field("test", description="Which split of the data.")
    views: Views | None = Field(
        None, description="Test-time augmentation: the views to average; default: those of the model file."
    )
    classes: ClassNames = Field(None, description="Text file with the class names in label order, one per line.")
    label: LabelPlace = None
    image_column: ImageColumn = None
    images: ImagesFolder = None
    split_column: SplitColumn = None
    delimiter: Delimiter = None
    max_error_rate: Share = Field(
        None,
        description='Answer "unsure" for low-confidence pictures so that at most this share of the other answers is '
        "wrong, e.g. 1%.",
    )
    ood: Source = Field(
        None, description="Out-of-distribution data: measure how well its pictures are detected as such."
    )

    _max_error_rate = field_validator("max_error_rate")(share)


def run(options: Options, on_event: Listener) -> Evaluation:
    """Evaluate. Raises ModelFileError, UsageError, DataError."""
    from tellapart.evaluation.evaluate import evaluate_split
    from tellapart.evaluation.unseen import open_data

    classifier = load_for_answers(options, on_event)
    provenance = open_data(classifier, options.data, options.classes, on_event, said_in(options))
    collection, split = provenance.collection, options.split
    indices, reason = provenance.pictures(split)
    on_event(Note(f"{split}: {len(indices):,} pictures, {reason}"))
    rules = _baselines(provenance, split, on_event)
    evaluation = evaluate_split(classifier, collection, indices, split, on_event, rules)
    evaluation = evaluation.with_leaks(provenance.trained_on(split))
    if options.ood is not None:
        evaluation = replace(evaluation, ood=_measured_ood(classifier, evaluation, options.ood, on_event))
    return replace(evaluation, test_evaluations=provenance.count_evaluation(split))


def _measured_ood(classifier: Classifier, evaluation: Evaluation, source: Any, on_event: Listener) -> OodResult:
    """How well pictures of other data, at most MOST_OOD, are distinguished from those that were evaluated."""
    from tellapart.data.feeding import prepare_pictures
    from tellapart.evaluation.evaluate import measure_ood

    other = open_inferred(source, on_event)
    indices = other.indices("test" if "test" in other.given_splits else None)
    chosen = indices[:: -(-len(indices) // MOST_OOD)]
    pictures = prepare_pictures(other, chosen, classifier.preprocessing, on_event)
    return measure_ood(classifier, evaluation, pictures.pixels, other.name)


def _baselines(provenance: Provenance, split: str, on_event: Listener) -> tuple[Rule, ...]:
    """Baselines that are trained on the model's training pictures; none if those are evaluated or not known."""
    from tellapart.data.feeding import prepare_pictures
    from tellapart.evaluation.baselines import ShrunkenPixels, baseline_sample
    from tellapart.evaluation.evaluate import positions

    classifier, collection, table = provenance.classifier, provenance.collection, provenance.split_table
    if table is None or split in ("train", "all"):
        return ()
    indices = table.indices("train")
    chosen = indices[baseline_sample(collection.labels[indices])]
    train = prepare_pictures(collection, chosen, classifier.preprocessing, on_event, "read pictures for a baseline")
    return (ShrunkenPixels(train, positions(classifier, collection, chosen)[train.labels]),)

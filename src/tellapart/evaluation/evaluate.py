"""Evaluate a classifier on pictures of a collection, or its OOD detector on pictures of another kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tellapart.classifier.classifier import Classifier
from tellapart.classifier.ood import OOD_THRESHOLD
from tellapart.data.collection import Collection
from tellapart.data.feeding import Prepared, prepare_pictures, rows_for
from tellapart.data.pixel_store import Pixels
from tellapart.errors import DataError, UsageError
from tellapart.evaluation.baselines import Baseline, majority
from tellapart.evaluation.evaluation import Evaluation
from tellapart.evaluation.labelled_predictions import SQUARED_ERROR
from tellapart.evaluation.ood_result import OodResult
from tellapart.progress import Listener, Progress, silent

Rule = Callable[[Prepared, np.ndarray], Baseline]
"""A baseline that is evaluated on prepared pictures with labels int [n]."""


def evaluate_split(
    classifier: Classifier,
    collection: Collection,
    indices: np.ndarray,
    split: str,
    on_event: Listener = silent,
    rules: tuple[Rule, ...] = (),
    data: Prepared | None = None,
) -> Evaluation:
    """Evaluate a classifier on the pictures `indices` int [n] of a collection.

    `split` is the name for these pictures in the result. Classes are matched by name. `rules` are further baselines,
    in addition to always predicting one class. `data` are these pictures if they have been read already. Raises
    DataError for no pictures, for a class that the classifier does not know, and for predictions that contain NaN or
    infinity.
    """
    if not len(indices):
        given = ", ".join(collection.given_splits) or "none"
        raise DataError(
            f"{collection.source}: has no {split} pictures (its splits: {given})",
            "at least one picture to evaluate",
            "choose another split",
        )
    class_positions = positions(classifier, collection, indices)
    if data is None:
        data = prepare_pictures(collection, indices, classifier.preprocessing, on_event, f"read {split}")
    labels = class_positions[data.labels]
    keys = [collection.keys[int(i)] for i in data.indices]
    probabilities, ood_scores = _predictions(classifier, data, keys, split, on_event)
    evaluation = evaluation_of(classifier, collection, data, labels, split, probabilities, ood_scores)
    return replace(evaluation, baselines=(*evaluation.baselines, *(rule(data, labels) for rule in rules)))


def evaluation_of(
    classifier: Classifier,
    collection: Collection,
    data: Prepared,
    labels: np.ndarray,
    split: str,
    probabilities: np.ndarray,
    ood_scores: np.ndarray | None = None,
) -> Evaluation:
    """Return predictions for prepared pictures as an Evaluation.

    `labels` int64 [n] are positions in the classifier's classes, `probabilities` float32 [n, classes], and `ood_scores`
    float [n] are given if the model has an OOD detector.
    """
    training_counts = classifier.record.class_counts or np.bincount(labels, minlength=len(classifier.class_names))
    majority_class = int(np.argmax(training_counts))
    return Evaluation(
        split=split,
        class_names=classifier.class_names,
        labels=labels,
        probabilities=probabilities,
        indices=data.indices,
        keys=tuple(collection.keys[int(i)] for i in data.indices),
        loss_name=SQUARED_ERROR if classifier.record.loss == "mean-squared-error" else "cross-entropy",
        baselines=(majority(labels, majority_class, classifier.class_names),),
        skipped=data.skipped,
        temperature=classifier.record.temperature,
        threshold=classifier.threshold,
        ood_scores=ood_scores,
        groups=None if collection.groups is None else collection.groups[data.indices],
        inferred=collection.inferred,
        data_notes=collection.notes,
    )


def measure_ood(classifier: Classifier, evaluation: Evaluation, ood_pixels: Pixels, name: str) -> OodResult:
    """Return how well out-of-distribution pictures are distinguished from the evaluated ones.

    `ood_pixels` uint8 [n, height, width, channels] are prepared pictures of another kind, from the collection `name`;
    they are read in batches. Raises UsageError for a model without an OOD detector.
    """
    if evaluation.ood_scores is None or classifier.ood_detector is None:
        raise UsageError(
            f"{classifier.source}: has no out-of-distribution detector",
            "a model trained with this version of tellapart, with a last layer that is not a nested model",
            "train it again",
        )
    from sklearn.metrics import roc_auc_score

    step = rows_for(ood_pixels.shape[1:])
    batches = [
        classifier.probabilities_and_ood_scores(ood_pixels[start : start + step])[1]
        for start in range(0, len(ood_pixels), step)
    ]
    scores = np.concatenate([batch for batch in batches if batch is not None])
    is_ood = np.repeat([0, 1], [len(evaluation.ood_scores), len(scores)])
    roc_auc = roc_auc_score(is_ood, np.concatenate([evaluation.ood_scores, scores]))
    flagged, falsely_flagged = (float((values > OOD_THRESHOLD).mean()) for values in (scores, evaluation.ood_scores))
    return OodResult(name, len(scores), float(roc_auc), flagged, falsely_flagged)


def positions(classifier: Classifier, collection: Collection, indices: np.ndarray) -> np.ndarray:
    """Return the position of each class of the collection among the classifier's classes, int64 [classes].

    It is -1 for a class that the classifier does not know. Raises DataError if any of the pictures `indices` belongs to
    such a class.
    """
    known = {name: i for i, name in enumerate(classifier.class_names)}
    used = set(np.unique(collection.labels[indices]).tolist())
    unknown = [name for i, name in enumerate(collection.class_names) if i in used and name not in known]
    if unknown:
        missing = [name for name in classifier.class_names if name not in collection.class_names]
        also = f"; it lacks the model's classes {', '.join(missing[:10])}" if missing else ""
        raise DataError(
            f"{collection.source}: has classes that the model does not know: {', '.join(unknown[:10])}{also}",
            f"the model's classes: {', '.join(classifier.class_names[:20])}",
            "rename the classes, give their names with --classes, or evaluate another model",
        )
    return np.array([known.get(name, -1) for name in collection.class_names], np.int64)


def _predictions(
    classifier: Classifier, data: Prepared, keys: Sequence[str], split: str, on_event: Listener
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return probabilities float32 [n, classes] and, if the model has an OOD detector, OOD scores float [n]."""
    batches = []
    step = rows_for(data.pixels.shape[1:])
    for start in range(0, len(data), step):
        some = data.take(np.arange(start, min(start + step, len(data))))
        batches.append(classifier.probabilities_and_ood_scores(some.pixels, some.features, some.grid))
        on_event(Progress(f"evaluate {split}", min(start + step, len(data)), len(data)))
    probabilities = np.concatenate([values for values, _ in batches])
    invalid = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(invalid):
        raise DataError(
            f"{keys[invalid[0]]}: the model's prediction contains NaN or infinity, as for {len(invalid):,} of "
            f"{len(data):,} pictures",
            "probabilities",
            "the model's weights are damaged, or its training diverged: train it again",
        )
    ood_scores = [scores for _, scores in batches if scores is not None]
    return probabilities, np.concatenate(ood_scores) if ood_scores else None

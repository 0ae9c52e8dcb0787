"""Lets a classifier answer for a part of a collection, or for pictures of another kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from tellapart.classifier.classifier import Classifier
from tellapart.classifier.ood import OOD_THRESHOLD
from tellapart.data.collection import Collection
from tellapart.data.feeding import Prepared, prepare_pictures, rows_for
from tellapart.data.rows import Pixels
from tellapart.errors import DataError, UsageError
from tellapart.evaluation.baselines import Baseline, majority
from tellapart.evaluation.evaluation import Evaluation, OodResult
from tellapart.progress import Listener, Progress, silent

Rule = Callable[[Pixels, np.ndarray], Baseline]
"""A baseline that asks for pixels uint8 [n, height, width, channels] and labels int [n]."""


def evaluate_split(
    classifier: Classifier,
    collection: Collection,
    indices: np.ndarray,
    split: str,
    on_event: Listener = silent,
    rules: tuple[Rule, ...] = (),
    data: Prepared | None = None,
) -> Evaluation:
    """Let a classifier answer for some pictures of a collection, and count.

    Classes are matched by name; `rules` are baselines beside that of always naming one class; `data` are the pictures
    where they have been read already. Raises DataError for no pictures, a class that the classifier does not know, or
    answers that are no numbers.
    """
    if not len(indices):
        given = ", ".join(collection.given_splits) or "none"
        raise DataError(
            f"{collection.source}: has no {split} pictures (its parts: {given})", "some", "name another part"
        )
    position = positions(classifier, collection, indices)
    if data is None:
        data = prepare_pictures(collection, indices, classifier.preprocessing, on_event, f"read {split}")
    labels = position[data.labels]
    answers = _answers(classifier, data, [collection.keys[int(i)] for i in data.indices], split, on_event)
    found = evaluation_of(classifier, collection, data, labels, split, *answers)
    return replace(found, baselines=(*found.baselines, *(rule(data.pixels, labels) for rule in rules)))


def evaluation_of(
    classifier: Classifier,
    collection: Collection,
    data: Prepared,
    labels: np.ndarray,
    split: str,
    probabilities: np.ndarray,
    ood_scores: np.ndarray | None = None,
) -> Evaluation:
    """Answers for prepared pictures, float [n, classes], as an Evaluation; `labels` are the classifier's, int64 [n]."""
    learnt = classifier.record.class_counts or np.bincount(labels, minlength=len(classifier.class_names))
    named = int(np.argmax(learnt))
    return Evaluation(
        split=split,
        class_names=classifier.class_names,
        labels=labels,
        probabilities=probabilities,
        indices=data.indices,
        keys=tuple(collection.keys[int(i)] for i in data.indices),
        loss_name="mean squared error" if classifier.record.loss == "mean-squared-error" else "cross-entropy",
        baselines=(majority(labels, named, classifier.class_names),),
        skipped=data.skipped,
        temperature=classifier.record.temperature,
        threshold=classifier.threshold,
        ood_scores=ood_scores,
        groups=None if collection.groups is None else collection.groups[data.indices],
    )


def measure_ood(classifier: Classifier, found: Evaluation, strange: Pixels, name: str) -> OodResult:
    """How well prepared pictures of another kind, uint8 [n, height, width, channels], are told from evaluated ones.

    They are taken out of their store a piece at a time.

    Raises UsageError for a model that keeps no picture of what is ordinary.
    """
    if found.ood_scores is None or classifier.ood_detector is None:
        raise UsageError(
            f"{classifier.source}: does not know what is ordinary",
            "a model of this version, whose last layer is not a model itself",
            "train it anew",
        )
    from sklearn.metrics import roc_auc_score

    step = rows_for(strange.shape[1:])
    pieces = [
        classifier.probabilities_and_ood_scores(strange[start : start + step])[1]
        for start in range(0, len(strange), step)
    ]
    scores = np.concatenate([piece for piece in pieces if piece is not None])
    both = np.concatenate([found.ood_scores, scores])
    area = roc_auc_score(np.repeat([0, 1], [len(found.ood_scores), len(scores)]), both)
    flags = [float((values > OOD_THRESHOLD).mean()) for values in (scores, found.ood_scores)]
    return OodResult(name, len(scores), float(area), *flags)


def positions(classifier: Classifier, collection: Collection, indices: np.ndarray) -> np.ndarray:
    """For each class of the collection, its position among the classifier's; -1 where no picture needs it.

    Raises DataError for a class of these pictures that the classifier does not know.
    """
    known = {name: i for i, name in enumerate(classifier.class_names)}
    used = set(np.unique(collection.labels[indices]).tolist())
    unknown = [name for i, name in enumerate(collection.class_names) if i in used and name not in known]
    if unknown:
        missing = [name for name in classifier.class_names if name not in collection.class_names]
        also = f"; and none of the model's {', '.join(missing[:10])}" if missing else ""
        raise DataError(
            f"{collection.source}: has classes that the model does not know: {', '.join(unknown[:10])}{also}",
            f"the model's classes: {', '.join(classifier.class_names[:20])}",
            "rename the classes, name them with --classes, or evaluate another model",
        )
    return np.array([known.get(name, -1) for name in collection.class_names], np.int64)


def _answers(
    classifier: Classifier, data: Prepared, keys: Sequence[str], split: str, on_event: Listener
) -> tuple[np.ndarray, np.ndarray | None]:
    """Probabilities [n, classes], and each picture's novelty [n] where the model can tell it."""
    pieces = []
    step = rows_for(data.pixels.shape[1:])
    for start in range(0, len(data), step):
        pieces.append(classifier.probabilities_and_ood_scores(data.pixels[start : start + step]))
        on_event(Progress(f"evaluate {split}", min(start + step, len(data)), len(data)))
    probabilities = np.concatenate([values for values, _ in pieces])
    wild = np.flatnonzero(~np.isfinite(probabilities).all(axis=1))
    if len(wild):
        raise DataError(
            f"{keys[wild[0]]}: the model answers with no number (NaN), as for {len(wild):,} of {len(data):,} pictures",
            "probabilities",
            "the model's weights are damaged or its training went wrong: train it anew",
        )
    novelties = [ood for _, ood in pieces if ood is not None]
    return probabilities, np.concatenate(novelties) if novelties else None

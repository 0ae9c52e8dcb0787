"""From a trained network to a classifier, checked on real pictures before anybody relies on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.classifier.calibration import fit_temperature, tempered, threshold_for, trades
from tellapart.classifier.classifier import Classifier, spread
from tellapart.classifier.model_file import OOD, ModelRecord
from tellapart.classifier.network import describe_layers, outputs_of, to_members
from tellapart.classifier.onnx_copy import check_onnx_copy
from tellapart.classifier.ood import HELD_OUT, PICTURES, OodDetector
from tellapart.data.feeding import Prepared
from tellapart.images.preprocessing import Preparation
from tellapart.images.views import Views

if TYPE_CHECKING:
    import keras

MOST_BYTES = 2**29
"""So much of the training pictures, and of those held out, is looked at to learn what is ordinary."""


def make_classifier(
    network: keras.Model,
    class_names: tuple[str, ...],
    preprocessing: Preparation,
    loss: str,
    training: dict[str, Any],
    samples: np.ndarray,
    views: Views = "none",
) -> Classifier:
    """A classifier of a network. `samples`, real pictures uint8 [n, *preparation.shape], are for comparing it with its
    ONNX twin; `views` are the looks that prediction averages. Raises ModelFileError where the two differ.
    """
    record = ModelRecord(
        class_names=class_names,
        preprocessing=preprocessing,
        outputs=int(network.output_shape[-1]),
        loss=loss,
        layers=describe_layers(network),
        training=training,
        views=views,
    )
    classifier = Classifier(record, to_members(network))
    check_onnx_copy(spread(outputs_of(network, samples)), spread(classifier.runtime(samples)))
    return classifier


def calibrate(
    classifier: Classifier, probabilities: np.ndarray, labels: np.ndarray, max_error_rate: float | None = None
) -> None:
    """Fit a classifier's temperature and what thresholds bring, to its uncalibrated validation answers float [n,
    classes] and labels int [n]; with `at_most_errors`, set the threshold for that. Raises UsageError, with all else
    done, where that cannot be promised.
    """
    temperature = fit_temperature(probabilities, labels)
    known = trades(tempered(probabilities, temperature), labels)
    classifier.record = classifier.record.model_copy(update={"temperature": temperature, "trades": known})
    if max_error_rate is not None:
        classifier.threshold = threshold_for(max_error_rate, known).threshold
        classifier.record = classifier.record.model_copy(update={"threshold": classifier.threshold})


def fit_ood(classifier: Classifier, train: Prepared, held_out: Prepared | None) -> None:
    """Let a classifier tell pictures that are like nothing it was taught, see tellapart.classifier.ood.

    Without held-out pictures a third of the training's stand for them, which lets ordinary ones seem strange too often.
    """
    if not classifier.runtime.has_features:
        return
    chosen = _some_of_each_first(np.random.default_rng(0).permutation(len(train)), train.labels)
    features = classifier.runtime.with_features(train.pixels[:1])[1].nbytes
    most = max(100, min(PICTURES, MOST_BYTES // math.prod(train.pixels.shape[1:]), MOST_BYTES // features))
    others, held = chosen[:most], chosen[most:][: min(HELD_OUT, most)]
    pixels = None
    if held_out is not None:  # spread evenly, since some data comes a class after the other
        pixels = held_out.pixels[np.unique(np.linspace(0, len(held_out) - 1, min(HELD_OUT, most)).astype(int))]
    if pixels is None and len(chosen) < most + min(HELD_OUT, most):
        cut = len(chosen) - len(chosen) // 3
        others, held = chosen[:cut], chosen[cut:]
    seen, kept = train.pixels[np.sort(others)], train.pixels[np.sort(held)] if pixels is None else pixels
    if not len(kept) or not len(seen):
        return
    own_features, kept_features = classifier.runtime.with_features(seen)[1], classifier.runtime.with_features(kept)[1]
    classifier.ood_detector = OodDetector.fit(seen, own_features, train.labels[np.sort(others)], kept, kept_features)
    classifier.members[OOD] = classifier.ood_detector.to_bytes()


def _some_of_each_first(order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The same places int [n] with two of each class in front: among very many classes chance leaves some out."""
    by_class = np.argsort(labels[order], kind="stable")
    sorted_labels = labels[order][by_class]
    rank = np.empty(len(order), np.int64)
    rank[by_class] = np.arange(len(order)) - np.searchsorted(sorted_labels, sorted_labels)
    return np.concatenate([order[rank < 2], order[rank >= 2]])

"""Make a classifier of a trained network: check it on real pictures, calibrate it, fit its OOD detector."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.classifier.calibration import fit_temperature, tempered, threshold_for, threshold_tradeoffs
from tellapart.classifier.classifier import Classifier, to_class_probabilities
from tellapart.classifier.model_file import OOD, Layer, ModelRecord
from tellapart.classifier.onnx_copy import check_onnx_copy
from tellapart.classifier.ood import HELD_OUT, PICTURES, OodDetector
from tellapart.data.feeding import Prepared
from tellapart.images.preprocessing import Preparation
from tellapart.images.views import Views

if TYPE_CHECKING:
    import keras

MOST_BYTES = 2**29
"""The most bytes of training pictures, and of held-out pictures, that the OOD detector is fitted to."""


@dataclass(frozen=True)
class ModelFacts:
    """What a model file stores about a network that the network itself does not contain."""

    class_names: tuple[str, ...]
    preprocessing: Preparation
    loss: str = "cross-entropy"
    views: Views = "none"
    """The TTA views that prediction averages."""

    training: dict[str, Any] = field(default_factory=dict)
    """Data, split, recipe, seed and versions of the training."""


def make_classifier(network: keras.Model, facts: ModelFacts, samples: np.ndarray) -> Classifier:
    """Make a classifier of a network and compare its ONNX copy with Keras on `samples`.

    `samples` are real pictures uint8 [n, *preprocessing.shape]. Raises ModelFileError where the two differ.
    """
    from tellapart.classifier.network import describe_layers, outputs_of, to_members

    record = record_of(facts, int(network.output_shape[-1]), describe_layers(network))
    classifier = Classifier(record, to_members(network))
    expected = to_class_probabilities(outputs_of(network, samples))
    check_onnx_copy(expected, to_class_probabilities(classifier.runtime(samples)))
    return classifier


def record_of(facts: ModelFacts, outputs: int, layers: tuple[Layer, ...]) -> ModelRecord:
    """The record in a model file of a network with this number of outputs and these layers."""
    return ModelRecord(
        class_names=facts.class_names,
        preprocessing=facts.preprocessing,
        outputs=outputs,
        loss=facts.loss,
        layers=layers,
        training=facts.training,
        views=facts.views,
    )


def calibrate(
    classifier: Classifier, probabilities: np.ndarray, labels: np.ndarray, max_error_rate: float | None = None
) -> None:
    """Fit a classifier's temperature and threshold trade-offs on the validation split.

    `probabilities` float [n, classes] are uncalibrated, `labels` int [n]. With `max_error_rate`, 0..1, set the
    threshold that reaches it; raises UsageError, with everything else done, where no threshold does.
    """
    temperature = fit_temperature(probabilities, labels)
    tradeoffs = threshold_tradeoffs(tempered(probabilities, temperature), labels)
    classifier.record = classifier.record.model_copy(
        update={"temperature": temperature, "threshold_tradeoffs": tradeoffs}
    )
    if max_error_rate is not None:
        classifier.threshold = threshold_for(max_error_rate, tradeoffs).threshold
        classifier.record = classifier.record.model_copy(update={"threshold": classifier.threshold})


def fit_ood(classifier: Classifier, train: Prepared, held_out: Prepared | None) -> None:
    """Fit the classifier's OOD detector, see tellapart.classifier.ood.

    Without held-out pictures, up to a third of the training pictures take their place; in-distribution pictures
    then get too high scores.
    """
    if not classifier.runtime.has_features:
        return
    chosen = _some_of_each_first(np.random.default_rng(0).permutation(len(train)), train.labels)
    feature_bytes = _features(classifier, train.take(np.arange(1))).nbytes
    most = max(100, min(PICTURES, MOST_BYTES // math.prod(train.pixels.shape[1:]), MOST_BYTES // feature_bytes))
    others, held = chosen[:most], chosen[most:][: min(HELD_OUT, most)]
    compared = None
    if held_out is not None:  # evenly spaced, because some data is sorted by class
        compared = held_out.take(np.unique(np.linspace(0, len(held_out) - 1, min(HELD_OUT, most)).astype(int)))
    if compared is None and len(chosen) < most + min(HELD_OUT, most):
        cut = len(chosen) - len(chosen) // 3
        others, held = chosen[:cut], chosen[cut:]
    fitted = train.take(np.sort(others))
    compared = train.take(np.sort(held)) if compared is None else compared
    if not len(compared) or not len(fitted):
        return
    of_fitted, of_compared = ((data.coarse(), _features(classifier, data)) for data in (fitted, compared))
    classifier.ood_detector = OodDetector.fit(*of_fitted, fitted.labels, *of_compared)
    classifier.members[OOD] = classifier.ood_detector.to_bytes()


def _features(classifier: Classifier, data: Prepared) -> np.ndarray:
    """The inputs of the network's last layer for prepared pictures, float32 [n, features]: known ones, or computed."""
    if classifier.head is not None and data.features is not None:
        return data.features
    return classifier.runtime.with_features(data.pixels[:])[1]


def _some_of_each_first(order: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The indices `order` int [n], with two of each class moved to the front: chance would leave out rare classes."""
    by_class = np.argsort(labels[order], kind="stable")
    sorted_labels = labels[order][by_class]
    rank = np.empty(len(order), np.int64)
    rank[by_class] = np.arange(len(order)) - np.searchsorted(sorted_labels, sorted_labels)
    return np.concatenate([order[rank < 2], order[rank >= 2]])

"""From a trained network to a classifier, checked on real pictures before anybody relies on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.classifier.classifier import Classifier, spread
from tellapart.classifier.model_file import ModelRecord
from tellapart.classifier.network import describe_layers, outputs_of, to_members
from tellapart.classifier.twin import check_twin
from tellapart.images.preparation import Preparation
from tellapart.images.views import Views

if TYPE_CHECKING:
    import keras


def make_classifier(
    network: keras.Model,
    class_names: tuple[str, ...],
    preparation: Preparation,
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
        preparation=preparation,
        outputs=int(network.output_shape[-1]),
        loss=loss,
        layers=describe_layers(network),
        training=training,
        views=views,
    )
    classifier = Classifier(record, to_members(network))
    check_twin(spread(outputs_of(network, samples)), spread(classifier.runtime(samples)))
    return classifier

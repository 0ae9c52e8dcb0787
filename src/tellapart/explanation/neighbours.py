"""Training pictures that a classifier sees as most like a given one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tellapart.classifier.classifier import Classifier
from tellapart.data.feeding import Prepared, rows_for

PICTURES = 5000
"""At most so many training pictures are searched, evenly drawn."""


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training picture uint8 [height, width, channels], its key and class; how like the given one it is, -1..1."""

    key: str
    label: str
    likeness: float
    picture: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {"file": self.key, "label": self.label, "likeness": self.likeness}


def nearest(
    classifier: Classifier, picture: np.ndarray, train: Prepared, keys: list[str], labels: list[str], count: int = 6
) -> list[Neighbour]:
    """The `count` of the training pictures most like a prepared picture uint8 [height, width, channels], the likest
    first: by the cosine between what the network's last layer sees of them.
    """
    own, step = _directions(classifier, picture[None])[0], rows_for(picture.shape)
    pieces = (train.pixels[start : start + step] for start in range(0, len(train), step))
    likeness = np.concatenate([_directions(classifier, pixels) @ own for pixels in pieces])
    order = np.argsort(-likeness, kind="stable")[:count].tolist()
    return [Neighbour(keys[i], labels[i], float(likeness[i]), train.pixels[i]) for i in order]


def _directions(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    features = classifier.runtime.with_features(pixels)[1].reshape(len(pixels), -1)
    result: np.ndarray = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return result

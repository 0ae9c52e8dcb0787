"""The training pictures that a classifier finds most similar to a given one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tellapart.classifier.classifier import Classifier
from tellapart.data.feeding import Prepared, rows_for

PICTURES = 5000
"""The search covers a random sample of at most this many training pictures."""


@dataclass(frozen=True, eq=False)
class Neighbour:
    """A training picture: its key, its class, its similarity to the given one (-1 to 1), and its row in the sample of
    training pictures that was searched.
    """

    key: str
    label: str
    similarity: float
    row: int

    def to_dict(self) -> dict[str, Any]:
        """Return the neighbour as JSON-ready data."""
        return {"file": self.key, "label": self.label, "similarity": self.similarity}


def nearest(
    classifier: Classifier, picture: np.ndarray, train: Prepared, keys: list[str], labels: list[str], count: int = 6
) -> list[Neighbour]:
    """Return the `count` training pictures most similar to a preprocessed picture uint8 [height, width, channels].

    `keys` and `labels` are those of the training pictures. Similarity is the cosine between the input features of the
    network's last layer; the most similar picture is first.
    """
    direction, step = _directions(classifier, picture[None])[0], rows_for(picture.shape)
    batches = (train.pixels[start : start + step] for start in range(0, len(train), step))
    similarities = np.concatenate([_directions(classifier, pixels) @ direction for pixels in batches])
    order = np.argsort(-similarities, kind="stable")[:count].tolist()
    return [Neighbour(keys[i], labels[i], float(similarities[i]), i) for i in order]


def _directions(classifier: Classifier, pixels: np.ndarray) -> np.ndarray:
    """Return the features of pictures uint8 [n, height, width, channels] as unit vectors, float [n, features]."""
    features = classifier.runtime.with_features(pixels)[1].reshape(len(pixels), -1)
    result: np.ndarray = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    return result

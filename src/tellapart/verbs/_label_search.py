"""The search for wrong labels: out-of-fold predictions, in two rounds.

Of photos, a pretrained backbone gives features, and logistic regression predicts the labels from them: this takes less
time, and is right more often, than networks that are trained for it. Where pictures are small, or no weights are at
hand, small networks are trained.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.feeding import Prepared, prepare_pictures
from tellapart.data.finding import Checked
from tellapart.data.folds import make_possible_folds
from tellapart.data.label_errors import trusted_labels
from tellapart.networks.backbones import DEFAULT
from tellapart.progress import Listener, Note
from tellapart.recipes.choose import choose_preparation, choose_recipe
from tellapart.recipes.find import find_recipe
from tellapart.training.logistic import out_of_fold

FEATURES = "features"
"""The recipe whose preprocessing photos get, so that a training uses the same features."""

ROUNDS = 2
"""The second round trains only on pictures that the first does not suspect; only it counts."""


def with_predictions(checked: Checked, folds: int, seed: int, on_event: Listener) -> tuple[Checked, list[str]]:
    """The collection with predictions of models that did not train on the picture, and notes about them.

    They are NaN for pictures that cannot be read or belong to too small a class. Raises DataError for too few different
    pictures.
    """
    collection = checked.collection
    readable, fold, notes = make_possible_folds(
        collection, checked.inspection.duplicates, checked.inspection.readable, folds, seed
    )
    data = _featured(collection, readable, on_event)
    if data is not None:
        fold = fold[np.isin(readable, data.indices)]
        probabilities = _by_features(data, len(collection.class_names), fold, on_event)
    else:
        from tellapart.verbs._label_networks import predictions_of_networks  # which needs Keras

        data, probabilities = predictions_of_networks(collection, readable, fold, seed, on_event)
    whole = np.full((len(collection), len(collection.class_names)), np.nan, np.float32)
    whole[data.indices] = probabilities
    return replace(checked, predictions=whole, by_features=data.features is not None), notes


def _featured(collection: Collection, readable: np.ndarray, on_event: Listener) -> Prepared | None:
    """The readable pictures with the features of the default backbone; None if they are small, or it is not at hand."""
    from tellapart.pretrained.compiled import compiled
    from tellapart.pretrained.features import featured
    from tellapart.pretrained.weights import at_hand

    weights = at_hand(DEFAULT)
    if weights is None or choose_recipe(collection, readable, backbone=DEFAULT)[0] != FEATURES:
        return None
    preprocessing, _ = choose_preparation(find_recipe(FEATURES).recipe, collection, readable)
    data = prepare_pictures(collection, readable, preprocessing, on_event, "read pictures")
    return featured(collection, data, preprocessing, compiled(DEFAULT, weights, preprocessing.shape), on_event)


def _by_features(data: Prepared, classes: int, fold: np.ndarray, on_event: Listener) -> np.ndarray:
    """Probabilities float32 [n, classes] of the second round; `fold` int [n].

    Measured with other planted labels than those of the benchmark: of 150 wrong ones among 5,000 cats and dogs, the
    list has 130 after the first round, 140 after the second, and 135 with the mean of both.
    """
    assert data.features is not None
    on_event(Note(f"likely wrong labels: {ROUNDS} rounds of {fold.max() + 1} folds, on the features of {DEFAULT}"))
    trusted = np.ones(len(data), bool)
    for number in range(ROUNDS):
        probabilities = out_of_fold(data.features, data.labels, classes, fold, trusted=trusted, on_event=on_event)
        if number + 1 < ROUNDS:
            trusted = trusted_labels(data.labels, probabilities)
    return probabilities

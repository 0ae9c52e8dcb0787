"""The search for wrong labels: out-of-fold predictions, in two rounds.

Of photos, a pretrained backbone gives features, and logistic regression predicts the labels from them: this takes less
time, and is right more often, than networks that are trained for it. Where pictures are small, or no weights are at
hand, small networks are trained.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
from tellapart.verbs._settings import NONE

if TYPE_CHECKING:
    from tellapart.pretrained.weights import Found

FEATURES = "features"
"""The recipe whose preprocessing photos get, so that a training uses the same features."""

ROUNDS = 2
"""The second round trains only on pictures that the first does not suspect; only it counts."""


@dataclass(frozen=True)
class Backbone:
    """The backbone whose features predict labels: its weights, and whether the user named it.

    Without weights networks are trained, as they are for small pictures unless the user named the backbone.
    """

    weights: Found | None
    named: bool = False

    @classmethod
    def asked(cls, name: str | None) -> Backbone:
        """The backbone of this name; none for "none"; the default one for None, if its weights are at hand.

        Raises UsageError for a name that does not exist, and WeightsError if the weights are not at hand.
        """
        from tellapart.pretrained.weights import at_hand, find_weights

        if name == NONE:
            return cls(None)
        return cls(at_hand(DEFAULT)) if name is None else cls(find_weights(name, named=True), named=True)


def with_predictions(
    checked: Checked, backbone: Backbone, folds: int, seed: int, on_event: Listener
) -> tuple[Checked, list[str]]:
    """The collection with predictions of models that did not train on the picture, and notes about them.

    They are NaN for pictures that cannot be read or belong to too small a class. Raises DataError for too few different
    pictures.
    """
    collection = checked.collection
    readable, fold, notes = make_possible_folds(
        collection, checked.inspection.duplicates, checked.inspection.readable, folds, seed
    )
    data = _featured(collection, readable, backbone, on_event)
    if data is not None and backbone.weights is not None:
        fold = fold[np.isin(readable, data.indices)]
        probabilities = _by_features(data, len(collection.class_names), fold, backbone.weights.name, on_event)
    else:
        from tellapart.verbs._label_networks import predictions_of_networks  # which needs Keras

        data, probabilities = predictions_of_networks(collection, readable, fold, seed, on_event)
    whole = np.full((len(collection), len(collection.class_names)), np.nan, np.float32)
    whole[data.indices] = probabilities
    return replace(checked, predictions=whole, by_features=data.features is not None), notes


def _featured(collection: Collection, readable: np.ndarray, backbone: Backbone, on_event: Listener) -> Prepared | None:
    """The readable pictures with the features of the backbone; None without one, and for small pictures."""
    from tellapart.pretrained.compiled import compiled
    from tellapart.pretrained.features import featured

    weights = backbone.weights
    if weights is None:
        return None
    if not backbone.named and choose_recipe(collection, readable, backbone=weights.name)[0] != FEATURES:
        return None
    recipe = find_recipe(FEATURES).recipe.model_copy(update={"backbone": weights.name})
    preprocessing, _ = choose_preparation(recipe, collection, readable)
    data = prepare_pictures(collection, readable, preprocessing, on_event, "read pictures")
    return featured(collection, data, preprocessing, compiled(weights.name, weights, preprocessing.shape), on_event)


def _by_features(data: Prepared, classes: int, fold: np.ndarray, backbone: str, on_event: Listener) -> np.ndarray:
    """Probabilities float32 [n, classes] of the second round; `fold` int [n].

    Measured with other planted labels than those of the benchmark: of 150 wrong ones among 5,000 cats and dogs, the
    list has 130 after the first round, 140 after the second, and 135 with the mean of both.
    """
    assert data.features is not None
    on_event(Note(f"likely wrong labels: {ROUNDS} rounds of {fold.max() + 1} folds, on the features of {backbone}"))
    trusted = np.ones(len(data), bool)
    for number in range(ROUNDS):
        probabilities = out_of_fold(data.features, data.labels, classes, fold, weights=trusted, on_event=on_event)
        if number + 1 < ROUNDS:
            trusted = trusted_labels(data.labels, probabilities)
    return probabilities

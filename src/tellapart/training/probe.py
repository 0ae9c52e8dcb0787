"""Fit a head on the features of a frozen backbone: a training without Keras, checkpoints and epochs."""

from __future__ import annotations

import time

import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.training.class_weights import class_weights
from tellapart.training.history import write_history
from tellapart.training.logistic import FittedHead, LinearHead, fit_head, out_of_fold
from tellapart.training.plan import Plan
from tellapart.training.session import Session
from tellapart.training.trained import Trained

SMALLEST = 1e-7
"""Probabilities count as at least this in the loss, as in Keras."""


def fitted_head(plan: Plan, train: Prepared, session: Session) -> FittedHead:
    """The head for training pictures with features."""
    assert train.features is not None
    recipe = plan.recipe
    return fit_head(
        train.features, train.labels, plan.classes, balance=recipe.balance, seed=plan.seed, on_event=session.on_event
    )


def cross_validated(plan: Plan, train: Prepared, fold: np.ndarray, session: Session) -> np.ndarray:
    """Probabilities float32 [n, classes] for training pictures with features, each without its `fold`, int [n]."""
    assert train.features is not None
    weights = class_weights(train.labels, plan.recipe.balance, plan.classes)[train.labels]
    return out_of_fold(train.features, train.labels, plan.classes, fold, weights=weights, on_event=session.on_event)


def train_probe(
    plan: Plan, train: Prepared, validation: Prepared | None, session: Session, fitted: FittedHead | None = None
) -> Trained:
    """Fit the head of a frozen backbone, unless it is `fitted`; the history has one row.

    The pictures have features.
    """
    started = time.monotonic()
    fitted = fitted or fitted_head(plan, train, session)
    row: dict[str, float] = {"epoch": 1, **_measured(fitted.head, train, "")}
    row |= _measured(fitted.head, validation, "val_") if validation is not None else {}
    seconds = time.monotonic() - started
    history = [row | {"seconds": round(seconds, 3)}]
    write_history(session.folder, history, session.on_event)
    return Trained(None, plan.recipe, history, 1, seconds, fitted.head)


def accuracy_of(head: LinearHead, data: Prepared) -> float:
    """The accuracy 0..1 of a head on pictures with features."""
    assert data.features is not None
    return float((head(data.features).argmax(axis=1) == data.labels).mean())


def _measured(head: LinearHead, data: Prepared, prefix: str) -> dict[str, float]:
    """Accuracy and cross-entropy on pictures with features."""
    assert data.features is not None
    of_label = head(data.features)[np.arange(len(data)), data.labels]
    loss = float(-np.log(np.maximum(of_label, SMALLEST)).mean())
    return {f"{prefix}accuracy": accuracy_of(head, data), f"{prefix}loss": loss}

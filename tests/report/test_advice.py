from dataclasses import replace

import numpy as np
import pytest

from tellapart.evaluation.baselines import Baseline
from tellapart.report.advice import advice
from tests import reports

FLOWERS = ("daisy", "rose", "tulip")


def predictions(known, labels, predicted, confidence):
    """The same run with these predictions, each with its confidence."""
    classes = len(known.evaluation.class_names)
    rest = (1 - np.asarray(confidence)) / (classes - 1)
    probabilities = np.repeat(rest[:, None], classes, axis=1).astype(np.float32)
    probabilities[np.arange(len(labels)), predicted] = confidence
    count = len(labels)
    keys = tuple(f"{i}.jpg" for i in range(count))
    changed = replace(
        known.evaluation, labels=np.array(labels), probabilities=probabilities, indices=np.arange(count), keys=keys
    )
    return replace(known, evaluation=changed)


@pytest.fixture
def good():
    """500 pictures of each class, 98 % right, trained without a gap, and finished."""
    labels = np.repeat([0, 1, 2], 500)
    predicted = np.where(np.arange(1500) % 50 == 0, (labels + 1) % 3, labels)
    known = predictions(reports.facts(FLOWERS, 60), labels, predicted, np.full(1500, 0.9))
    row = {"loss": 0.1, "accuracy": 0.98, "val_loss": 0.1, "val_accuracy": 0.98}
    record = known.record | {"split": known.record["split"] | {"class_counts": {"train": [900, 900, 900]}}}
    return replace(known, history=[row | {"epoch": k} for k in range(1, 13)], record=record)


def test_nothing_to_do(good):
    assert [str(step) for step in advice(good)] == [
        "Nothing stands out. Try the model on new pictures with `tellapart predict`."
    ]


def test_a_baseline_that_is_as_good_comes_first(good):
    strong = replace(good.evaluation, baselines=(Baseline("x", 0.975, "always predicting 'daisy'"),))
    step = advice(replace(good, evaluation=strong))[0]
    assert step.what == "Check the labels and the training."
    assert "97.5 % by always predicting 'daisy'" in step.why


def test_confident_mistakes_may_be_wrong_labels(good):
    labels = good.evaluation.labels
    predicted = np.where(np.isin(np.arange(1500), (3, 700)), (labels + 1) % 3, labels)
    sure = predictions(good, labels, predicted, np.full(1500, 0.97))
    steps = advice(sure)
    assert steps[0].what == "Check the labels of 2 pictures: the classifier is at least 95 % sure of another class."
    assert steps[0].why == "Such answers are right for 99.9 % of the pictures."
    assert steps[0].section == "Most confident mistakes"
    unreliable = np.where(np.arange(1500) % 3 == 0, (labels + 1) % 3, labels)
    steps = advice(predictions(good, labels, unreliable, np.full(1500, 0.97)))
    assert not any("Check the labels of" in step.what for step in steps)  # a confident mistake means nothing there


def test_weak_classes_are_named_with_their_training_pictures(good):
    labels = good.evaluation.labels
    predicted = np.where((labels == 1) & (np.arange(1500) % 2 == 0), 2, labels)
    steps = advice(predictions(good, labels, predicted, np.full(1500, 0.9)))
    assert str(steps[0]) == "Add pictures of rose (50 % right, 900 for training). This class is the weakest."


def test_rare_classes_are_named(good):
    counts = {"train": [900, 12, 900]}
    record = good.record | {"split": good.record["split"] | {"class_counts": counts}}
    steps = advice(replace(good, record=record))
    assert steps[0].what == "Add pictures of rose (98 % right, 12 for training)."
    assert steps[0].why == "Other classes have many more."


def test_a_gap_between_training_and_validation_asks_for_pictures(good):
    history = [row | {"accuracy": 0.99, "val_accuracy": 0.8} for row in good.history]
    step = advice(replace(good, history=history))[0]
    assert step.what == "Add pictures, or start from a pretrained network."
    assert "In training 99 % were right, in validation 80 %" in step.why


def test_a_loss_that_still_falls_asks_for_epochs(good):
    history = [row | {"val_loss": 2 / row["epoch"]} for row in good.history]
    step = advice(replace(good, history=history))[0]
    assert step.what == "Train longer, for example with --epochs 24."
    small = [row | {"size": 0.75} for row in history[:6]] + [row | {"size": 1.0} for row in history[6:]]
    assert "Train longer" not in str(advice(replace(good, history=small))[0])  # six epochs at full size say little


def test_few_test_pictures_and_at_most_three_steps():
    steps = advice(reports.facts(FLOWERS, 60))
    assert len(steps) <= 3
    assert any("Collect more test pictures" in step.what for step in steps)

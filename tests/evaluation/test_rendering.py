"""The sentences about an evaluation."""

from dataclasses import replace

import numpy as np
import pytest

from tellapart.data.collection import Skipped
from tellapart.evaluation.baselines import majority
from tellapart.evaluation.evaluation import Evaluation
from tellapart.evaluation.ood_result import OodResult


@pytest.fixture
def evaluation():
    """Twenty pictures of two classes, 18 of them classified correctly."""
    labels = np.array([0] * 10 + [1] * 10)
    probabilities = np.where(np.eye(2)[labels] == 1, 0.8, 0.2).astype(np.float32)
    probabilities[[0, 10]] = probabilities[[0, 10], ::-1]
    names = ("cat", "dog")
    keys = tuple(f"{i}.png" for i in range(20))
    baselines = (majority(labels, 1, names),)
    return Evaluation("test", names, labels, probabilities, np.arange(20), keys, "cross-entropy", baselines)


def test_the_headline_and_the_baselines(evaluation):
    assert evaluation.headline() == (
        "test: accuracy 90 % (95 % interval 70 to 97 %), loss 0.3618, 18 of 20 pictures correct"
    )
    assert evaluation.baseline() == "baselines: 50 % always predicting 'dog'"
    assert evaluation.confidence() == "calibration error 10.0 %"
    assert replace(evaluation, temperature=1.5).confidence().endswith(", with a temperature of 1.500")
    assert evaluation.notes() == evaluation.caveats == []


@pytest.mark.parametrize(
    ("changes", "words"),
    (
        ({}, "90 % right on 20 pictures it has never seen (70 to 97 %)"),
        ({"split": "validation"}, "90 % right on 20 validation pictures, which also selected the model (70 to 97 %)"),
        ({"leaked": np.arange(20) < 5}, "90 % right on 20 test pictures (70 to 97 %)"),
        (
            {"split": "cross-validation", "folds": (0.8, 1.0)},
            "90 % right on 20 pictures, each predicted by one of 2 models that has never seen it (70 to 97 %)",
        ),
    ),
)
def test_the_result_in_words(evaluation, changes, words):
    assert replace(evaluation, **changes).in_words() == words


def test_the_weakest_class_is_named_if_there_are_mistakes(evaluation):
    many = {name: np.repeat(getattr(evaluation, name), 3, axis=0) for name in ("labels", "probabilities", "indices")}
    tripled = replace(evaluation, **many, keys=evaluation.keys * 3)
    assert tripled.weakest_class() == "weakest class: cat, 27 of 30 right, most often confused with dog"
    right = replace(tripled, probabilities=np.eye(2, dtype=np.float32)[tripled.labels])
    assert right.weakest_class() is None


def test_a_matrix_that_does_not_fit_becomes_a_list_of_pairs():
    names = tuple(f"class {c:02}" for c in range(40))
    labels = np.arange(40).repeat(2)
    probabilities = np.eye(40, dtype=np.float32)[labels]
    probabilities[6] = np.eye(40)[9]
    baselines = (majority(labels, 1, names),)
    keys = tuple(f"{i}.png" for i in range(80))
    text = str(Evaluation("test", names, labels, probabilities, np.arange(80), keys, "cross-entropy", baselines))
    place = text.splitlines().index("true class  predicted as  pictures")
    assert text.splitlines()[place + 1 :] == ["class 03    class 09             1"]


def test_groups_are_a_caveat(evaluation):
    grouped = replace(evaluation, groups=np.arange(20) // 5)
    assert grouped.caveats == [
        "the pictures come from 4 groups; the accuracy interval accounts for that, the other intervals do not and are "
        "too narrow"
    ]
    assert replace(evaluation, groups=np.arange(20)).caveats == []


def test_a_threshold_chosen_on_the_same_predictions_is_a_caveat(evaluation):
    words = ["the confidence threshold was chosen on these same predictions"]
    assert replace(evaluation, threshold=0.5).caveats == []
    assert replace(evaluation, threshold=0.5, split="validation").caveats == words
    assert replace(evaluation, threshold=0.5, split="cross-validation", folds=(0.8, 1.0)).caveats == words


@pytest.mark.parametrize(
    ("changes", "note"),
    (
        (
            {"test_evaluations": 3},
            "this test split has now been evaluated 3 times; each reuse makes its metrics more optimistic",
        ),
        (
            {"folds": (0.8, 1.0)},
            "pooled over 2 models, each evaluated on its held-out fold: accuracy 80 to 100 %",
        ),
        (
            {"threshold": 0.7},
            "unsure below 70.0 %: 100 % of pictures are answered, 10.0 % of the answers are wrong",
        ),
        (
            {"leaked": np.arange(20) < 5},
            "leakage: 5 of these pictures, or duplicates of them, were used in training; without them, accuracy 93 % "
            "(70 to 99 %)",
        ),
        (
            {"leaked": np.ones(20, bool)},
            "leakage: all of these pictures, or duplicates of them, were used in training",
        ),
        (
            {"ood": OodResult("noise", 60, 0.98, 0.95, 0.01)},
            "out-of-distribution detection: ROC AUC 0.9800 for 60 pictures of noise against the evaluated pictures; it "
            "flags 95.0 % of the former and 1.0 % of the latter",
        ),
    ),
)
def test_notes(evaluation, changes, note):
    assert replace(evaluation, **changes).notes() == [note]


def test_skipped_pictures_are_listed(evaluation):
    skipped = tuple(Skipped(f"{i}.png", "is not a picture") for i in range(12))
    lines = str(replace(evaluation, skipped=skipped)).splitlines()
    place = lines.index("skipped: 12 pictures that cannot be read")
    assert lines[place + 1 :] == [f"  {i}.png: is not a picture" for i in range(10)]

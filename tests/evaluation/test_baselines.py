import numpy as np

from tellapart.data.feeding import Prepared
from tellapart.evaluation.baselines import FrozenFeatures, ShrunkenPixels, majority
from tests.conftest import stripes


def prepared(pixels, labels):
    return Prepared(pixels, labels, np.arange(len(labels)))


def test_the_majority_class():
    baseline = majority(np.array([0, 1, 1, 2]), 1, ("a", "b", "c"))
    assert baseline.accuracy == 0.5
    assert baseline.description == "always predicting 'b'"
    assert baseline.to_dict()["name"] == "majority class"


def test_logistic_regression_learns_from_light_alone():
    generator = np.random.default_rng(0)
    labels = np.arange(400) % 2
    bright = (generator.integers(0, 120, (400, 20, 20, 3)) + 100 * labels[:, None, None, None]).astype(np.uint8)
    assert (
        ShrunkenPixels(prepared(bright[:200], labels[:200]), labels[:200])(
            prepared(bright[200:], labels[200:]), labels[200:]
        ).accuracy
        > 0.99
    )
    noise = generator.integers(0, 256, (400, 20, 20, 3)).astype(np.uint8)
    assert (
        0.35
        < ShrunkenPixels(prepared(noise[:200], labels[:200]), labels[:200])(
            prepared(noise[200:], labels[200:]), labels[200:]
        ).accuracy
        < 0.65
    )


def test_it_is_the_same_every_time():
    pixels, labels = stripes(90)
    first, second = (
        ShrunkenPixels(prepared(pixels, labels), labels)(prepared(pixels, labels), labels) for _ in range(2)
    )
    assert first == second


def test_a_rare_class_is_never_missed():
    pixels = np.random.default_rng(0).integers(0, 256, (6000, 8, 8, 1)).astype(np.uint8)
    labels = np.zeros(6000, int)
    labels[17] = 1
    assert (
        ShrunkenPixels(prepared(pixels, labels), labels)(prepared(pixels[:50], labels[:50]), labels[:50]).accuracy > 0.9
    )


def test_frozen_features_are_those_of_the_backbone():
    data = Prepared(np.zeros((3, 4, 4, 3), np.uint8), np.array([0, 1, 1]), np.arange(3), features=np.eye(3, 2))
    baseline = FrozenFeatures(lambda features: features)(data, data.labels)
    assert baseline.is_correct.tolist() == [True, True, False]
    assert "features of the pretrained backbone" in baseline.description

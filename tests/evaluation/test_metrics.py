import numpy as np
import pytest
from sklearn import metrics as reference

from tellapart.evaluation.metrics import accuracy_interval, confusion_matrix, log_loss, squared_error

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("classes", (2, 3, 10))
def test_they_agree_with_scikit_learn(classes):
    for _ in range(20):
        probabilities = RNG.dirichlet(np.ones(classes), 200)
        labels = np.concatenate([np.arange(classes), RNG.integers(0, classes, 200 - classes)])
        predicted = probabilities.argmax(axis=1)
        expected = reference.confusion_matrix(labels, predicted, labels=np.arange(classes))
        assert np.array_equal(confusion_matrix(labels, predicted, classes), expected)
        assert log_loss(probabilities, labels) == pytest.approx(
            reference.log_loss(labels, np.clip(probabilities, 1e-7, 1)), abs=1e-5
        )
        brier = reference.mean_squared_error(np.eye(classes)[labels], probabilities)
        assert squared_error(probabilities, labels) == pytest.approx(brier, abs=1e-12)


def test_certain_mistakes_have_a_finite_loss():
    assert log_loss(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(-np.log(1e-7))


def test_the_interval_is_wilsons():
    # Wilson 1927 by hand: n = 10, 9 right, z = 1.959964.
    assert accuracy_interval(9, 10) == pytest.approx((0.595850, 0.982124), abs=1e-5)
    assert accuracy_interval(10, 10)[1] == 1
    assert accuracy_interval(0, 10)[0] == 0


@pytest.mark.parametrize("truth", (0.5, 0.9, 0.97))
def test_the_interval_covers_the_truth(truth):
    counts = RNG.binomial(400, truth, 4000)
    bounds = {count: accuracy_interval(int(count), 400) for count in set(counts.tolist())}
    covered = np.mean([bounds[c][0] <= truth <= bounds[c][1] for c in counts.tolist()])
    assert 0.93 <= covered <= 0.97

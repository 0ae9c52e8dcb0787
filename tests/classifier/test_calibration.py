from itertools import pairwise

import numpy as np
import pytest

from tellapart.classifier.calibration import fit_temperature, tempered, threshold_for, threshold_tradeoffs
from tellapart.errors import UsageError
from tellapart.evaluation.metrics import calibration_error

RNG = np.random.default_rng(0)


def answers(count, sharpness=1.0, classes=5):
    """Probabilities and labels drawn from them; those that are told are sharper or flatter than the true ones."""
    logits = RNG.normal(scale=2.5, size=(count, classes))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) > RNG.random((count, 1))).argmax(axis=1)
    told = np.exp(sharpness * logits)
    return (told / told.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("sharpness", (0.4, 2.5))
def test_the_temperature_undoes_false_confidence(sharpness):
    told, labels = answers(5000, sharpness)
    found = fit_temperature(told, labels)
    assert found == pytest.approx(sharpness, rel=0.1)
    fresh, truth = answers(20_000, sharpness)
    assert calibration_error(tempered(fresh, found), truth) < 0.02 < calibration_error(fresh, truth)
    assert np.array_equal(tempered(fresh, found).argmax(axis=1), fresh.argmax(axis=1))
    assert np.allclose(tempered(fresh, found).sum(axis=1), 1, atol=1e-5)


def test_it_is_left_alone_where_it_brings_nothing():
    assert [fit_temperature(*answers(200)) for _ in range(20)].count(1.0) >= 11
    told = answers(5)[0]
    assert tempered(told, 1.0) is told


def test_what_is_promised_is_kept():
    """On new pictures, over many validation splits, at most the promised share of answers is wrong."""
    errors = []
    for _ in range(100):
        threshold = threshold_for(0.1, threshold_tradeoffs(*answers(800))).threshold
        fresh, truth = answers(4000)
        given = fresh.max(axis=1) >= threshold
        errors.append((fresh.argmax(axis=1) != truth)[given].mean())
    assert np.mean(errors) <= 0.105
    assert np.mean(errors) >= 0.08  # and not by answering next to nothing


def test_threshold_tradeoffs_by_hand():
    values = np.array([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]])
    found = threshold_tradeoffs(values, np.array([0, 0, 0, 1]))
    assert [(one.threshold, one.coverage, one.errors) for one in found] == [(0, 1, 2 / 5), (0.7, 0.75, 1 / 4)]
    assert threshold_for(0.5, found).threshold == 0
    assert threshold_for(0.3, found).threshold == 0.7
    with pytest.raises(UsageError, match=r"25\.0 % or more, where 75\.0 % of pictures are answered"):
        threshold_for(0.2, found)
    with pytest.raises(UsageError, match="without a validation split"):
        threshold_for(0.2, ())


def test_many_tradeoffs_are_thinned():
    found = threshold_tradeoffs(*answers(20_000))
    assert 100 < len(found) <= 200
    assert all(one.errors > other.errors for one, other in pairwise(found))


def test_answers_that_are_all_right_do_not_become_certain():
    values = np.full((100, 3), 0.05, np.float32)
    labels = np.arange(100) % 3
    values[np.arange(100), labels] = 0.9
    found = fit_temperature(values, labels)
    assert 0.3 < found < 1
    assert tempered(values, found).max() < 0.995

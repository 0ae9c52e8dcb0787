"""The list of likely wrong labels: how many are expected to be wrong, and where it ends."""

import tracemalloc

import numpy as np
import pytest

from tellapart.data.label_errors import (
    LEAST,
    LEVEL,
    NOISES,
    TEMPERATURES,
    contradicted_labels,
    find_label_errors,
    fit_noise,
    suspect_labels,
    without_smoothing,
)


def judged(count, noise, strength, temperature=1.0, classes=5, seed=0):
    """Labels, out-of-fold predictions, and which labels are wrong.

    The true class follows the predictions, whose logits are then multiplied by the temperature: models that are too
    sure (above 1) or not sure enough.
    """
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1, (count, classes)) * rng.gamma(1.5, strength, (count, 1))
    truth = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    wrong = rng.random(count) < noise
    labels = np.where(wrong, (truth + rng.integers(1, classes, count)) % classes, truth)
    values = np.exp(logits * temperature)
    return labels, values / values.sum(axis=1, keepdims=True), wrong


@pytest.mark.parametrize("strength", (1.0, 3.0))
@pytest.mark.parametrize("temperature", (0.5, 1.0, 3.0))
def test_without_wrong_labels_almost_nothing_is_listed(strength, temperature):
    labels, probabilities, _ = judged(1500, 0, strength, temperature)
    errors = find_label_errors(labels, probabilities)
    assert errors.suspected > 30
    assert len(errors.positions) <= 5
    assert errors.noise < 0.01


@pytest.mark.parametrize("temperature", (0.5, 1.0, 1.5))
@pytest.mark.parametrize("noise", (0.05, 0.15))
def test_the_expected_number_of_wrong_labels_is_about_right(noise, temperature):
    labels, probabilities, wrong = judged(3000, noise, 3.0, temperature)
    errors = find_label_errors(labels, probabilities)
    found = wrong[errors.positions]
    assert errors.noise == pytest.approx(noise, abs=0.025)
    assert len(found) > 0.4 * wrong.sum()
    assert errors.expected == pytest.approx(found.sum(), rel=0.2)
    assert found.mean() >= LEVEL - 0.1
    assert len(errors.positions) < errors.suspected


def test_better_models_find_more():
    counts = []
    for strength in (1.0, 3.0, 9.0):
        labels, probabilities, wrong = judged(3000, 0.1, strength, seed=1)
        counts.append(wrong[find_label_errors(labels, probabilities).positions].sum())
    assert counts[0] < counts[1] < counts[2]


def test_the_list_ranks_suspect_labels_by_the_probability_of_being_wrong():
    labels, probabilities, _ = judged(2000, 0.1, 3.0)
    suspected = dict(zip(*(column.tolist() for column in suspect_labels(labels, probabilities)), strict=True))
    errors = find_label_errors(labels, probabilities)
    assert 0 < len(errors.positions) < len(suspected) == errors.suspected
    assert (np.diff(errors.wrong) <= 0).all()
    assert errors.wrong[-1] >= LEAST
    assert [suspected[i] for i in errors.positions.tolist()] == errors.suggested.tolist()
    assert errors.agreement == pytest.approx((probabilities.argmax(axis=1) == labels).mean())


def test_a_higher_level_makes_a_shorter_list():
    labels, probabilities, _ = judged(2000, 0.05, 1.0)
    counts = []
    for level in (0.5, 0.8, 0.95):
        errors = find_label_errors(labels, probabilities, level)
        counts.append(len(errors.positions))
        assert errors.expected / max(counts[-1], 1) >= level or not counts[-1]
    assert counts[0] > counts[1] > counts[2]


def test_suspect_labels_are_ranked_by_their_margin():
    labels, probabilities, _ = judged(2000, 0.1, 3.0)
    order, other = suspect_labels(labels, probabilities)
    margins = probabilities[order, labels[order]] - probabilities[order, other]
    assert (np.diff(margins) >= 0).all()
    assert (margins < 0).all()


def test_the_temperature_of_models_that_are_too_sure():
    labels, probabilities, _ = judged(3000, 0.1, 3.0, temperature=2.0)
    weights = fit_noise(labels, probabilities)
    assert weights.sum() == pytest.approx(1)
    assert weights.sum(axis=1) @ TEMPERATURES == pytest.approx(2, rel=0.2)
    assert weights.sum(axis=0) @ NOISES == pytest.approx(0.1, abs=0.03)


def test_models_that_are_equally_sure_of_everything():
    """As after label smoothing on easy pictures: then the few contradicted labels are likely wrong."""
    rng = np.random.default_rng(0)
    labels = np.arange(300) % 3
    smoothed = np.full((300, 3), 0.04) + rng.uniform(0, 0.01, (300, 3))
    smoothed[np.arange(300), labels] = 0
    smoothed[np.arange(300), labels] = 1 - smoothed.sum(axis=1)
    labels[::25] = (labels[::25] + 1) % 3
    errors = find_label_errors(labels, without_smoothing(smoothed, 0.1))
    assert sorted(errors.positions.tolist()) == list(range(0, 300, 25))
    assert errors.expected > 6


def test_label_smoothing_is_undone():
    truth = np.array([[1.0, 0.0, 0.0], [0.7, 0.2, 0.1]])
    smoothed = 0.8 * truth + 0.2 / 3
    assert without_smoothing(smoothed, 0.2) == pytest.approx(truth, abs=3e-3)
    assert (without_smoothing(smoothed, 0.2) > 0).all()
    assert without_smoothing(truth[1:], 0.0) == pytest.approx(truth[1:])
    falling = np.array([[p, 1 - p] for p in np.linspace(0.001, 0.999, 50)])
    assert (np.diff(without_smoothing(falling, 0.2)[:, 0]) > 0).all()
    assert without_smoothing(falling, 0.2).sum(axis=1) == pytest.approx(np.ones(50))


def test_memory_does_not_grow_with_the_probabilities():
    """Ten times the probabilities took more than 200 MB here."""
    labels, probabilities, _ = judged(5000, 0.1, 3.0, classes=1000)
    probabilities = probabilities.astype(np.float32)  # 20 MB
    for work in (lambda: find_label_errors(labels, probabilities), lambda: without_smoothing(probabilities, 0.1)):
        tracemalloc.start()
        work()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 3 * probabilities.nbytes


def test_all_contradicted_labels_or_those_of_confident_learning():
    """A small lead of the other class is not suspect where the models are usually sure of it."""
    labels = np.repeat([0, 1], 10)
    probabilities = np.array([[0.9, 0.1]] * 8 + [[0.45, 0.55], [0.05, 0.95]] + [[0.1, 0.9]] * 10)
    assert contradicted_labels(labels, probabilities)[0].tolist() == [9, 8]
    assert contradicted_labels(labels, probabilities)[1].tolist() == [1, 1]
    assert suspect_labels(labels, probabilities)[0].tolist() == [9]
    assert find_label_errors(labels, probabilities, all_contradicted=True).suspected == 2
    assert find_label_errors(labels, probabilities).suspected == 1

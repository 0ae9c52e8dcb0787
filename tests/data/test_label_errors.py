"""The list of likely wrong labels: how many are expected to be wrong, and where it ends."""

import numpy as np
import pytest

from tellapart.data.label_errors import LEVEL, find_label_errors, fit_noise, suspect_labels


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


@pytest.mark.parametrize("temperature", (0.5, 1.0, 3.0))
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


def test_the_list_is_the_start_of_the_ranking_by_margin():
    labels, probabilities, _ = judged(2000, 0.1, 3.0)
    order, other = suspect_labels(labels, probabilities)
    errors = find_label_errors(labels, probabilities)
    count = len(errors.positions)
    assert 0 < count < len(order)
    assert [i for i in order.tolist() if i in set(errors.positions.tolist())] == errors.positions.tolist()
    margins = probabilities[order, labels[order]] - probabilities[order, other]
    assert (np.diff(margins) >= 0).all()
    assert errors.agreement == pytest.approx((probabilities.argmax(axis=1) == labels).mean())
    assert len(find_label_errors(labels, probabilities, level=0.8).positions) < count


def test_the_temperature_of_models_that_are_too_sure():
    labels, probabilities, _ = judged(3000, 0.1, 3.0, temperature=3.0)
    temperature, noise = fit_noise(labels, probabilities)
    assert temperature == pytest.approx(3, rel=0.2)
    assert noise == pytest.approx(0.1, abs=0.03)

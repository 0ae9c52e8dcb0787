import tracemalloc

import numpy as np
import pytest
from sklearn import metrics as reference

from tellapart.evaluation.metrics import (
    average_precisions,
    balanced_accuracy,
    brier_score,
    calibration_error,
    confusion_matrix,
    log_loss,
    reliability,
    roc_aucs,
    squared_error,
    top_accuracy,
)

RNG = np.random.default_rng(0)


def cases(classes):
    for _ in range(20):
        probabilities = RNG.dirichlet(np.ones(classes), 200)
        yield probabilities, np.concatenate([np.arange(classes), RNG.integers(0, classes, 200 - classes)])


@pytest.mark.parametrize("classes", (2, 3, 10))
def test_they_agree_with_scikit_learn(classes):
    for probabilities, labels in cases(classes):
        predicted = probabilities.argmax(axis=1)
        matrix = confusion_matrix(labels, predicted, classes)
        one_hot = np.eye(classes)[labels]
        expected = reference.confusion_matrix(labels, predicted, labels=np.arange(classes))
        assert np.array_equal(matrix, expected)
        clipped = np.clip(probabilities, 1e-7, 1)
        clipped_true = np.where(one_hot == 1, clipped, probabilities)
        exact = reference.log_loss(labels, probabilities) if (clipped_true == probabilities).all() else None
        if exact is not None:
            assert log_loss(probabilities, labels) == pytest.approx(exact, abs=1e-9)
        mean_squared = reference.mean_squared_error(one_hot, probabilities)
        assert squared_error(probabilities, labels) == pytest.approx(mean_squared, abs=1e-9)
        per_class = sum(reference.brier_score_loss(one_hot[:, c], probabilities[:, c]) for c in range(classes))
        assert brier_score(probabilities, labels) == pytest.approx(per_class, abs=1e-9)
        assert balanced_accuracy(matrix) == pytest.approx(
            reference.balanced_accuracy_score(labels, predicted), abs=1e-9
        )
        if classes > 2:
            top = reference.top_k_accuracy_score(labels, probabilities, k=2, labels=np.arange(classes))
            assert top_accuracy(probabilities, labels, 2) == pytest.approx(top, abs=1e-9)
            area = reference.roc_auc_score(labels, probabilities, multi_class="ovr", average="macro")
            assert roc_aucs(probabilities, labels).mean() == pytest.approx(area, abs=1e-9)
            assert average_precisions(probabilities, labels).mean() == pytest.approx(
                reference.average_precision_score(one_hot, probabilities), abs=1e-9
            )


def test_the_roc_auc_is_the_share_of_pairs_in_the_right_order():
    probabilities, labels = next(cases(2))
    positive, negative = probabilities[labels == 1, 1], probabilities[labels == 0, 1]
    pairs = np.mean(positive[:, None] > negative[None, :])
    assert roc_aucs(probabilities, labels)[1] == pytest.approx(pairs, abs=1e-9)


def test_areas_of_a_class_without_pictures_are_not_defined():
    probabilities = np.array([[0.5, 0.3, 0.2], [0.1, 0.8, 0.1]])
    assert np.isnan(roc_aucs(probabilities, np.array([0, 1]))).tolist() == [False, False, True]
    assert np.isnan(average_precisions(probabilities, np.array([1, 1]))).all()


def test_the_calibration_error_by_hand():
    probabilities = np.array([[0.95, 0.05], [0.91, 0.09], [0.62, 0.38], [0.4, 0.6]])
    labels = np.array([0, 1, 0, 0])
    # bins of a tenth: 0.9..1 holds two answers of 0.93 with a half right; 0.6..0.7 one of 0.62, right;
    # 0.5..0.6, border included, one of 0.6, wrong
    assert calibration_error(probabilities, labels, 10) == pytest.approx((2 * 0.43 + 0.38 + 0.6) / 4)
    table = reliability(probabilities, labels, 10)
    assert table[:, 0].tolist() == [0, 0, 0, 0, 0, 1, 1, 0, 0, 2]
    assert np.isnan(table[0, 1:]).all()


def test_calibrated_answers_have_next_to_no_calibration_error():
    probabilities = RNG.dirichlet(np.ones(4), 100_000)
    labels = (probabilities.cumsum(axis=1) > RNG.random((100_000, 1))).argmax(axis=1)
    assert calibration_error(probabilities, labels) < 0.01
    assert calibration_error(probabilities**3 / (probabilities**3).sum(axis=1, keepdims=True), labels) > 0.1


def test_certain_mistakes_have_a_finite_loss():
    assert log_loss(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(-np.log(1e-7))


def test_roc_aucs_are_computed_in_blocks_of_classes():
    """All ranks at once would take twelve times the memory of the probabilities."""
    rng = np.random.default_rng(0)
    probabilities, labels = rng.random((20_000, 400), np.float32), rng.integers(0, 400, 20_000)  # 32 MB
    tracemalloc.start()
    areas = roc_aucs(probabilities, labels)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 3 * probabilities.nbytes
    last, values = labels == 399, probabilities[:, 399]
    share = np.mean(values[last][:, None] > values[~last][None, :])
    assert areas[399] == pytest.approx(share, abs=1e-6)

from dataclasses import replace

import numpy as np
import pytest

from tellapart.report.judgement import calibration_judged, coverage_judged
from tests import reports


def known(correct, confidence, temperature=1.0, validation=152, folds=None):
    """A run with two classes whose predictions are right or not, each with its confidence."""
    base = reports.facts(("cat", "dog"), 40)
    correct, confidence = np.asarray(correct, bool), np.asarray(confidence)
    labels = np.zeros(len(correct), np.int64)
    own = np.where(correct, confidence, 1 - confidence)
    probabilities = np.stack([own, 1 - own], axis=1).astype(np.float32)
    evaluation = replace(
        base.evaluation, labels=labels, probabilities=probabilities, indices=np.arange(len(labels)),
        keys=tuple(map(str, labels)), temperature=temperature,
    )  # fmt: skip
    counts = base.record["split"] | {"counts": {"train": 1, "validation": validation, "test": len(labels)}}
    record = base.record | {"split": counts, "options": base.record["options"] | {"folds": folds}}
    return replace(base, evaluation=evaluation, record=record)


def share_right(count, share):
    return np.arange(count) < share * count


def test_an_overconfident_classifier():
    words = calibration_judged(known(share_right(200, 0.7), np.full(200, 0.9)))
    assert words == (
        "The classifier is overconfident: its confidence is 90 % on average, and 70 % of its answers are right. When "
        "it says about 90 %, it is right 70 % of the time (63 to 76 %). 152 validation pictures are too few to correct "
        "that reliably."
    )


def test_why_it_was_not_corrected():
    correct, sure = share_right(200, 0.7), np.full(200, 0.9)
    assert "too few" not in calibration_judged(known(correct, sure, temperature=1.3))
    assert "too few" not in calibration_judged(known(correct, sure, validation=5000))
    assert "no validation pictures" in calibration_judged(known(correct, sure, validation=0))
    assert "too few" not in calibration_judged(known(correct, sure, folds=5))


def test_a_calibrated_and_an_underconfident_classifier():
    words = calibration_judged(known(share_right(200, 0.9), np.full(200, 0.9)))
    assert words.startswith("The confidence is about right: it is 90 % on average, and 90 % of its answers are right.")
    assert "underconfident" in calibration_judged(known(share_right(200, 0.95), np.full(200, 0.7)))


def test_without_an_example_if_no_confidence_is_frequent():
    words = calibration_judged(known(share_right(12, 0.5), np.full(12, 0.9)))
    assert "When it says" not in words


@pytest.mark.parametrize(
    ("right_if_sure", "right_if_not", "words"),
    (
        (0.95, 0.4, "The confidence helps: if only the more confident half of the pictures is answered, 5 % of these"),
        (0.75, 0.7, "there are too few pictures to be sure that leaving the less confident ones out helps"),
        (0.6, 0.8, "Leaving the less confident half out does not help here: 40 % of the more confident half are wrong"),
        (1.0, 1.0, "No answer is wrong"),
    ),
)
def test_the_sentence_about_coverage_says_what_the_curve_shows(right_if_sure, right_if_not, words):
    correct = np.concatenate([share_right(100, right_if_sure), share_right(100, right_if_not)])
    confidence = np.concatenate([np.linspace(0.95, 0.85, 100), np.linspace(0.7, 0.6, 100)])
    assert words in coverage_judged(known(correct, confidence).evaluation)


def test_few_pictures_are_not_judged():
    assert "Too few pictures" in coverage_judged(known(share_right(30, 0.7), np.full(30, 0.9)).evaluation)

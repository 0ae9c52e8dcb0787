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
    results = base.record["results"] | ({"cross_validation": {}} if folds else {})
    record = base.record | {"split": counts, "results": results}
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


def test_too_few_pictures_are_not_judged():
    assert calibration_judged(known([1, 1, 1, 0], np.full(4, 0.75))).startswith(
        "Too few pictures to judge the confidence"
    )
    words = calibration_judged(known(share_right(30, 0.7), np.full(30, 0.72)))
    assert "about right" not in words
    assert "which may be" in words


def test_errors_that_cancel_are_not_about_right():
    correct = np.concatenate([share_right(100, 0.6), share_right(100, 0.95)])
    confidence = np.concatenate([np.full(100, 0.92), np.full(100, 0.65)])
    words = calibration_judged(known(correct, confidence))
    assert words == (
        "The confidence is right on average only: it is 79 % on average, and 78 % of its answers are right. When it "
        "says about 92 %, it is right 60 % of the time (50 to 69 %)."
    )


def test_an_example_of_overconfidence_is_overconfident():
    """It is right about as often as it says near 90 %, and much less often near 70 %."""
    correct = np.concatenate([share_right(100, 0.9), share_right(300, 0.5)])
    words = calibration_judged(known(correct, np.repeat([0.9, 0.7], [100, 300])))
    assert words.startswith("The classifier is overconfident")
    assert "When it says about 70 %, it is right 50 % of the time" in words


def test_an_example_does_not_contradict_what_is_about_right():
    """Near 90 % the answers are right a bit less often, as one of several confidences may be by chance."""
    levels = (0.9, 0.8, 0.72, 0.65, 0.58)
    shares = (0.83, 0.81, 0.73, 0.67, 0.6)
    correct = np.concatenate([share_right(100, share) for share in shares])
    words = calibration_judged(known(correct, np.repeat(levels, 100)))
    assert words.startswith("The confidence is about right")
    assert "about 90 %" not in words
    assert "When it says about 8" in words


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

"""Sentences about calibration and confidence that are worded by what the evaluation shows."""

from __future__ import annotations

import numpy as np

from tellapart.evaluation.evaluation import Evaluation
from tellapart.evaluation.intervals import CONFIDENCE, ENOUGH, share
from tellapart.evaluation.metrics import bin_numbers
from tellapart.report.facts import Facts
from tellapart.text import percent, percent_range

LEVELS = (0.9, 0.8, 0.7, 0.95, 0.6, 0.5)
"""Confidences of which one is used as an example: the first that fits, with ENOUGH predictions within NEAR of it."""

NEAR = 0.05

WIDE = 0.3
"""With a wider interval of the accuracy, most confidences agree with it: nothing is known."""

FEW = 500
"""With fewer validation pictures, a temperature that would help may not be distinguishable from chance."""


def calibration_judged(facts: Facts) -> str:
    """Return whether the confidence is right on average, an example, and why it was not corrected, if it was not."""
    evaluation = facts.evaluation
    assert evaluation is not None
    confidence = float(evaluation.probabilities.max(axis=1).mean())
    low, high = evaluation.accuracy_interval
    if evaluation.count < ENOUGH:
        return f"Too few pictures to judge the confidence: fewer than {ENOUGH}."
    mean = f"{percent(confidence, digits=0)} on average, and {percent(evaluation.accuracy, digits=0)} of its answers"
    if not low <= confidence <= high:
        over = confidence > high
        example = _example(evaluation, 1 if over else -1)
        sentence = (
            f"The classifier is {'over' if over else 'under'}confident: its confidence is {mean} are right.{example}"
        )
        return f"{sentence}{_uncorrected(facts)}"
    off = _furthest(evaluation)
    if off is not None:
        return f"The confidence is right on average only: it is {mean} are right.{_said(evaluation, off)}"
    if high - low > WIDE:
        return (
            f"Too few pictures to judge the confidence: it is {mean} are right, which may be "
            f"{percent_range((low, high))} on other pictures."
        )
    return f"The confidence is about right: it is {mean} are right.{_example(evaluation, 0)}"


def _furthest(evaluation: Evaluation) -> np.ndarray | None:
    """Return the pictures, bool [n], of the bin of confidence that is furthest from its accuracy, beyond its interval.

    Only bins with ENOUGH pictures count. The intervals are wide enough that chance puts any of them beyond in one of
    twenty evaluations.
    """
    confidence, is_correct = evaluation.probabilities.max(axis=1), evaluation.is_correct
    numbers = bin_numbers(confidence)
    bins = [numbers == number for number, count in enumerate(np.bincount(numbers)) if count >= ENOUGH]
    off = [chosen for chosen in bins if _off(confidence[chosen], is_correct[chosen], len(bins))]
    return max(off, key=lambda chosen: abs(confidence[chosen].mean() - is_correct[chosen].mean()), default=None)


def _off(confidence: np.ndarray, is_correct: np.ndarray, bins: int = 1) -> int:
    """Return 1 if the confidence is above what chance explains, in one of several bins, -1 if below, else 0."""
    low, high = share(int(is_correct.sum()), len(is_correct), 1 - (1 - CONFIDENCE) / bins)
    mean = float(confidence.mean())
    return int(mean > high) - int(mean < low)


def _example(evaluation: Evaluation, off: int) -> str:
    """Return what a confidence means, by the predictions near one of LEVELS, that supports the judgement before it.

    `off` is as for `_off`. Empty if there is none, or too few predictions near any.
    """
    confidence = evaluation.probabilities.max(axis=1)
    for level in LEVELS:
        near = np.abs(confidence - level) <= NEAR
        enough = int(near.sum()) >= ENOUGH
        if enough and _off(confidence[near], evaluation.is_correct[near]) == off:
            return _said(evaluation, near)
    return ""


def _said(evaluation: Evaluation, chosen: np.ndarray) -> str:
    """Return the confidence and the share of right answers of some pictures, bool [n], in a sentence."""
    count, right = int(chosen.sum()), int(evaluation.is_correct[chosen].sum())
    said = percent(float(evaluation.probabilities.max(axis=1)[chosen].mean()), digits=0)
    interval = percent_range(share(right, count))
    return f" When it says about {said}, it is right {percent(right / count, digits=0)} of the time ({interval})."


def _uncorrected(facts: Facts) -> str:
    """Return why no temperature corrects the confidence; empty if one does."""
    evaluation = facts.evaluation
    assert evaluation is not None
    if evaluation.temperature != 1:
        return ""
    count = facts.record["split"]["counts"].get("validation", 0)
    if facts.is_cross_validated:
        return ""
    if not count:
        return " There are no validation pictures to correct that with."
    if count < FEW:
        return f" {count:,} validation pictures are too few to correct that reliably."
    return ""


def coverage_judged(evaluation: Evaluation) -> str:
    """Return whether fewer answers are wrong if the less confident half is left out, as far as the data shows it."""
    confidence, wrong = evaluation.probabilities.max(axis=1), ~evaluation.is_correct
    order = np.argsort(-confidence, kind="stable")
    half = len(order) // 2
    if half < ENOUGH:
        return f"Too few pictures to judge this: half of them are fewer than {ENOUGH}."
    if not wrong.any():
        return "No answer is wrong, so there is nothing to leave out."
    sure, others = int(wrong[order[:half]].sum()), int(wrong[order[half:]].sum())
    of_sure, of_all = (percent(part, digits=0) for part in (sure / half, wrong.mean()))
    if share(sure, half)[1] < share(others, len(order) - half)[0]:
        return (
            f"The confidence helps: if only the more confident half of the pictures is answered, {of_sure} of these "
            f"answers are wrong instead of {of_all}."
        )
    if sure / half < others / (len(order) - half):
        return (
            f"Of the more confident half of the pictures {of_sure} are wrong, and of all {of_all}: there are too few "
            "pictures to be sure that leaving the less confident ones out helps."
        )
    return (
        f"Leaving the less confident half out does not help here: {of_sure} of the more confident half are wrong, and "
        f"{of_all} of all pictures."
    )

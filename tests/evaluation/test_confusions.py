import numpy as np
import pytest

from tellapart.evaluation.confusions import confusions
from tests import reports


def test_pairs_by_hand():
    known = reports.evaluation(("a", "b", "c"), 7)
    labels = np.array([0, 0, 0, 0, 1, 1, 2])
    predicted = np.array([1, 1, 2, 0, 0, 1, 2])
    probabilities = np.full((7, 3), 0.1, np.float32)
    probabilities[np.arange(7), predicted] = [0.5, 0.8, 0.6, 0.9, 0.7, 0.9, 0.9]
    found = confusions(type(known)(**(vars(known) | {"labels": labels, "probabilities": probabilities})))
    assert [(pair.true, pair.predicted, pair.positions.tolist()) for pair in found] == [
        (0, 1, [1, 0]),  # the most pictures, the most confident first
        (1, 0, [4]),  # one of two pictures
        (0, 2, [2]),  # one of four
    ]
    assert [pair.share for pair in found] == pytest.approx([0.5, 0.5, 0.25])


def test_all_mistakes_are_in_a_pair():
    known = reports.evaluation([f"{k}" for k in range(30)], 500)
    found = confusions(known)
    assert sum(len(pair.positions) for pair in found) == known.count - known.correct
    counts = [len(pair.positions) for pair in found]
    assert counts == sorted(counts, reverse=True)
    assert all(known.confusion[pair.true, pair.predicted] == len(pair.positions) for pair in found)

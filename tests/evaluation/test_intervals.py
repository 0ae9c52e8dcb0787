import numpy as np
import pytest

from tellapart.evaluation.intervals import (
    at_most,
    f1,
    mcnemar,
    mean_of_shares,
    paired_difference,
    share,
    share_of_groups,
)

RNG = np.random.default_rng(0)


def covered(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


def test_the_probability_of_few_successes():
    assert at_most(0, 3, 0.5) == pytest.approx(1 / 8)
    assert at_most(3, 3, 0.5) == pytest.approx(1)
    assert at_most(5, 10, 1.0) == 0


def test_a_shares_interval_is_wilsons():
    # Wilson 1927 by hand: n = 10, 9 right, z = 1.959964.
    assert share(9, 10) == pytest.approx((0.595850, 0.982124), abs=1e-5)
    assert share(10, 10)[1] == 1
    assert share(0, 10)[0] == 0
    assert share(0, 0) == (0, 1)


@pytest.mark.parametrize("truth", (0.5, 0.9, 0.97))
def test_shares_are_covered(truth):
    counts = RNG.binomial(400, truth, 4000)
    bounds = {count: share(int(count), 400) for count in set(counts.tolist())}
    assert 0.93 <= covered([bounds[c] for c in counts.tolist()], truth) <= 0.97


@pytest.mark.parametrize(("right", "missed", "wrongly"), [(0.08, 0.02, 0.02), (0.25, 0.05, 0.1), (0.06, 0.04, 0.01)])
def test_f1_is_covered(right, missed, wrongly):
    truth = 2 * right / (2 * right + missed + wrongly)
    drawn = RNG.multinomial(1500, [right, missed, wrongly, 1 - right - missed - wrongly], 1500)
    found = [f1(int(tp), int(tp + fn), int(tp + fp)) for tp, fn, fp, _ in drawn]
    assert 0.93 <= covered(found, truth) <= 0.97


@pytest.mark.parametrize("recalls", [(0.9, 0.8, 0.95), (0.97, 0.6), (0.99, 0.98, 0.97, 0.9, 0.85)])
def test_balanced_accuracy_is_covered(recalls):
    counts = np.array([300, 120, 80, 200, 150][: len(recalls)])
    drawn = RNG.binomial(counts, recalls, (1500, len(recalls)))
    found = [mean_of_shares(right, counts) for right in drawn]
    assert 0.93 <= covered(found, np.mean(recalls)) <= 0.97


@pytest.mark.parametrize(("only_first", "only_second"), [(0.03, 0.02), (0.10, 0.02), (0.01, 0.01)])
def test_paired_differences_are_covered(only_first, only_second):
    drawn = RNG.multinomial(1000, [only_first, only_second, 1 - only_first - only_second], 4000)
    found = [paired_difference(int(a), int(b), 1000) for a, b, _ in drawn]
    assert 0.93 <= covered(found, only_first - only_second) <= 0.97


def test_mcnemar_is_the_exact_test():
    assert mcnemar(0, 0) == 1
    assert mcnemar(8, 2) == pytest.approx(2 * sum(_half(10, k) for k in (8, 9, 10)))
    assert mcnemar(8, 2) == mcnemar(2, 8)
    uneven = [mcnemar(int(k), 40 - int(k)) < 0.05 for k in RNG.binomial(40, 0.5, 4000)]
    assert np.mean(uneven) <= 0.05


def _half(n, k):
    from math import comb

    return comb(n, k) / 2**n


def test_groups_of_one_picture_each_are_pictures():
    right = RNG.random(50) < 0.8
    assert share_of_groups(right, np.arange(50)) == share(int(right.sum()), 50)


def test_few_groups_make_a_wide_interval():
    right = np.concatenate([np.arange(50) < hits for hits in (50, 49, 48, 30)])
    low, high = share_of_groups(right, np.repeat(["a", "b", "c", "d"], 50))
    narrow = share(int(right.sum()), 200)
    assert high - low > 3 * (narrow[1] - narrow[0])
    assert low < 0.6
    one = share_of_groups(right, np.repeat("a", 200))
    assert one[1] - one[0] > 0.7


def test_shares_are_covered_where_subjects_differ():
    """Thirty subjects of twenty pictures each, with accuracies spread around 0.85. Intervals that take the pictures as
    independent cover the truth far too seldom.
    """
    groups, generator = np.repeat(np.arange(30), 20), np.random.default_rng(3)
    found, naive = [], []
    for _ in range(600):
        right = generator.random(600) < generator.beta(8.5, 1.5, 30)[groups]
        found.append(share_of_groups(right, groups))
        naive.append(share(int(right.sum()), 600))
    assert 0.92 <= covered(found, 0.85) <= 0.98
    assert covered(naive, 0.85) < 0.85


def test_few_groups_that_are_nearly_all_right_do_not_look_certain():
    """Twelve bursts of thirty pictures, most of them all right: few bursts tell how unlike they are."""
    groups, generator = np.repeat(np.arange(12), 30), np.random.default_rng(4)
    found = []
    for _ in range(400):
        right = generator.random(360) < generator.beta(0.95 * 2 / 3, 0.05 * 2 / 3, 12)[groups]
        found.append(share_of_groups(right, groups))
    assert covered(found, 0.95) >= 0.94


def test_groups_that_are_all_correct_count_as_that_many_pictures():
    low, high = share_of_groups(np.ones(4000, bool), np.repeat(np.arange(4), 1000))
    assert high == 1
    assert low == pytest.approx(share(4, 4)[0])

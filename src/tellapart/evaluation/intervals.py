"""How far a figure may be from the truth: 95 % confidence intervals for shares and what is made of them."""

from __future__ import annotations

import numpy as np

Interval = tuple[float, float]

CONFIDENCE = 0.95

ENOUGH = 20
"""Of fewer pictures no interval of a class's figures is narrow enough to say anything: half its width is above 0.15."""


def share(successes: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's score interval for a share (Wilson 1927), by SciPy; 0 to 1 where nothing was counted."""
    if not count:
        return 0.0, 1.0
    from scipy.stats import binomtest  # here: importing scipy.stats takes half a second

    interval = binomtest(successes, count).proportion_ci(confidence, method="wilson")
    return float(interval.low), float(interval.high)


def share_of_groups(right: np.ndarray, groups: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Wilson's interval for the share of `right`, bool [n], where pictures of a group, by names [n], are alike.

    It counts as many independent pictures as would give the variance that there is between groups, made fewer by what
    few groups leave unknown of that (Korn and Graubard 1998, with Wilson's interval for theirs); where all groups are
    the same, as many as there are groups.
    """
    count, share_ = len(right), float(np.mean(right)) if len(right) else 0.0
    names, members = np.unique(groups, return_inverse=True)
    if len(names) == count:
        return share(int(np.sum(right)), count, confidence)
    from scipy.stats import norm, t

    among = max(1, len(names) - 1)
    off = np.bincount(members, weights=right) - share_ * np.bincount(members)
    variance = len(names) / among * float(np.square(off).sum()) / count**2
    upper = (1 + confidence) / 2
    known = (t.ppf(upper, count - 1) / t.ppf(upper, among)) ** 2
    alike = share_ * (1 - share_) / variance * known if variance > 1e-12 else len(names)
    most = count if len(names) > 1 else 1  # of one group, nobody knows how far others are from it
    effective = max(1.0, min(most, alike))
    z2 = norm.ppf(upper) ** 2
    middle = (share_ + z2 / (2 * effective)) / (1 + z2 / effective)
    arm = np.sqrt(share_ * (1 - share_) * z2 / effective + z2**2 / (4 * effective**2)) / (1 + z2 / effective)
    return max(0.0, min(share_, float(middle - arm))), min(1.0, max(share_, float(middle + arm)))


def f1(right: int, true: int, predicted: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the F1 score of a class: `right` pictures of it found, of `true`, with `predicted` called so.

    F1 rises with the share of right ones among the pictures that are of the class or called so, j = right / (true +
    predicted - right), as 2j / (1 + j) (Hand, Christen and Kirielle 2021); j has Wilson's interval.
    """
    low, high = share(right, true + predicted - right, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_of_shares(successes: np.ndarray, counts: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the plain mean of independent shares, counts above 0 each: their Wilson intervals put together by
    the squares of their arms (Zou and Donner 2008).
    """
    shares = successes / counts
    bounds = np.array([share(int(s), int(n), confidence) for s, n in zip(successes, counts, strict=True)])
    down, up = (np.sqrt(np.square(bounds[:, k] - shares).sum()) / len(shares) for k in (0, 1))
    return max(0.0, float(shares.mean() - down)), min(1.0, float(shares.mean() + up))


def paired_difference(only_first: int, only_second: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """Interval of the difference of two accuracies on the same `count` pictures, first minus second.

    Of them, `only_first` were right with the first classifier alone and `only_second` with the second alone. Wald's
    interval with half a picture added to each of the four cells (Agresti and Min 2005).
    """
    from scipy.stats import norm

    first, second, total = only_first + 0.5, only_second + 0.5, count + 2
    difference = (first - second) / total
    arm = norm.ppf((1 + confidence) / 2) * np.sqrt((first + second) / total - difference**2) / np.sqrt(total)
    return float(max(-1.0, difference - arm)), float(min(1.0, difference + arm))


def mcnemar(only_first: int, only_second: int) -> float:
    """Two-sided p of as uneven a split of the pictures on which two classifiers differ, were they equally good.

    The exact test of McNemar 1947: a binomial one with a share of a half.
    """
    if not only_first + only_second:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(only_first, only_first + only_second, 0.5).pvalue)

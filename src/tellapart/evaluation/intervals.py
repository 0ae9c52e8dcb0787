"""Confidence intervals of shares such as the accuracy, of F1 and of paired differences, and McNemar's test.

The distributions are those of scipy.special: importing scipy.stats takes half a second.
"""

from __future__ import annotations

from functools import cache

import numpy as np

Interval = tuple[float, float]

CONFIDENCE = 0.95

ENOUGH = 20
"""With fewer pictures of a class, the intervals of its metrics are too wide to be useful: over 0.15 to each side."""


@cache
def share(successes: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the Wilson score interval of a share (Wilson 1927); 0 to 1 for a count of 0."""
    return _wilson(successes / count, count, confidence) if count else (0.0, 1.0)


def _wilson(mean: float, count: float, confidence: float) -> Interval:
    """The Wilson score interval around the share `mean` of a count above 0, which need not be whole."""
    from scipy.special import ndtri

    z2 = float(ndtri((1 + confidence) / 2)) ** 2
    centre = (mean + z2 / (2 * count)) / (1 + z2 / count)
    arm = (mean * (1 - mean) * z2 / count + z2**2 / (4 * count**2)) ** 0.5 / (1 + z2 / count)
    return max(0.0, min(mean, centre - arm)), min(1.0, max(mean, centre + arm))


def at_most(successes: int, count: int, expected: float) -> float:
    """Return the probability of at most `successes` of `count`, each with the probability `expected`: exact.

    Far from the middle, as for one of a hundred classes, Wilson's interval is too narrow.
    """
    from scipy.special import bdtr

    return float(bdtr(successes, count, expected))


CAUTION = 0.25
"""Groups with perfectly correlated pictures that are added to the evidence on the correlation within groups."""


def share_of_groups(successes: np.ndarray, groups: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Return the Wilson interval of the share of `successes`, bool [n], if pictures of a group are not independent.

    `groups` [n] are the names of the pictures' groups. The interval is that of an effective sample size: the number of
    independent pictures that would give the variance between groups, reduced because few groups estimate that variance
    poorly (Korn and Graubard 1998, here with Wilson's interval). If all pictures are right, or all wrong, it is the
    number of groups. If nearly all are, few groups tell how much groups differ: the correlation within groups is then
    assumed to be nearer to 1, by CAUTION. In simulations of bursts with shares from 5 % to 95 %, the intervals contain
    the truth in 95 % of cases or more; without CAUTION in 82 % of some.
    """
    count, mean = len(successes), float(np.mean(successes)) if len(successes) else 0.0
    names, members = np.unique(groups, return_inverse=True)
    if len(names) == count:
        return share(int(np.sum(successes)), count, confidence)
    from scipy.special import stdtrit

    sizes, freedom = np.bincount(members), max(1, len(names) - 1)
    residuals = np.bincount(members, weights=successes) - mean * sizes
    variance = len(names) / freedom * float(np.square(residuals).sum()) / count**2
    size = float(np.square(sizes).sum()) / count  # of the group of a picture, on average
    effect = variance * count / (mean * (1 - mean)) if 0 < mean < 1 else size
    informative = len(names) * min(mean, 1 - mean)
    correlation = min(1.0, max(0.0, (effect - 1) / (size - 1)))
    correlation = (informative * correlation + CAUTION) / (informative + CAUTION)
    upper = (1 + confidence) / 2
    correction = (stdtrit(count - 1, upper) / stdtrit(freedom, upper)) ** 2 if 0 < mean < 1 else 1.0
    independent = count / (1 + (size - 1) * correlation) * correction
    most = count if len(names) > 1 else 1  # one group says nothing about the variance between groups
    return _wilson(mean, float(max(1.0, min(most, independent))), confidence)


def f1(correct: int, true: int, predicted: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the F1 score of a class.

    `true` pictures belong to the class, `predicted` were predicted as it, and `correct` are both. F1 is 2j / (1 + j)
    with j = correct / (true + predicted - correct), the share of correct ones among the pictures that belong to the
    class or were predicted as it (Hand, Christen and Kirielle 2021). The interval of j is Wilson's.
    """
    low, high = share(correct, true + predicted - correct, confidence)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def mean_of_shares(successes: np.ndarray, counts: np.ndarray, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the unweighted mean of independent shares, each with a count above 0.

    The arms of their Wilson intervals are combined by the root of the sum of squares (Zou and Donner 2008).
    """
    shares = successes / counts
    bounds = np.array([share(int(s), int(n), confidence) for s, n in zip(successes, counts, strict=True)])
    down, up = (np.sqrt(np.square(bounds[:, k] - shares).sum()) / len(shares) for k in (0, 1))
    return max(0.0, float(shares.mean() - down)), min(1.0, float(shares.mean() + up))


def paired_difference(only_first: int, only_second: int, count: int, confidence: float = CONFIDENCE) -> Interval:
    """Return the interval of the difference of two accuracies on the same `count` pictures, first minus second.

    `only_first` pictures were classified correctly by the first classifier alone, `only_second` by the second alone. It
    is Wald's interval with half a picture added to each of the four cells (Agresti and Min 2005).
    """
    from scipy.special import ndtri

    first, second, total = only_first + 0.5, only_second + 0.5, count + 2
    difference = (first - second) / total
    arm = ndtri((1 + confidence) / 2) * np.sqrt((first + second) / total - difference**2) / np.sqrt(total)
    return float(max(-1.0, difference - arm)), float(min(1.0, difference + arm))


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of the exact McNemar test (McNemar 1947) for two equally good classifiers.

    It is a binomial test: of the pictures that only one of the two got right, half should go to each.
    """
    if not only_first + only_second:
        return 1.0
    from scipy.special import bdtr

    fewer, both = min(only_first, only_second), only_first + only_second
    return min(1.0, 2 * float(bdtr(fewer, both, 0.5)))

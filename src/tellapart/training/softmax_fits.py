"""Minimises several penalised softmax losses at once, such as those of all folds: one pass over the features for all.

Each pass is bound by reading the features, so five folds cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from tellapart.parallel import cores

ROWS, CELLS = 1024, 2**21
"""Pictures, and numbers of logits, that a thread works on at once. They do not depend on the number of threads, and
sums are taken in their order, so that results are the same bytes with any number of threads."""

PAIRS = 8
"""Steps that L-BFGS remembers."""

STEPS = 200
"""Passes over the features after which a fit ends in any case; usually 3 to 30 are enough."""

SUFFICIENT, SHORTER, SHORTEST = 1e-4, 0.4, 1e-4
"""A step is taken if the loss falls by this share of what its slope promises (Armijo 1966). Otherwise it is shortened
by this factor; a fit ends where that does not help, which is at the precision of float32."""

NOISE = 1e-7
"""Relative error of a loss that was computed in float32."""

BIAS = 1e-6
"""Penalty of biases, per picture: it only keeps the bias of a class without pictures finite."""


@contextmanager
def workers() -> Iterator[Executor]:
    """Threads for the passes. Within, BLAS uses one thread for each of them, and so always sums in the same order."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"), ThreadPoolExecutor(cores()) as pool:
        yield pool


@dataclass(frozen=True, eq=False)
class Fits:
    """F fits of a linear head with k classes to the same features, each with weights of its own.

    `features` float32 [n, d + 1] end with a column of ones, for the biases; `labels` int [n]; `weights` float32 [n, F]
    are the weights of the pictures in each fit, 0 for a held-out one. Solutions are float32 [d + 1, F * k].
    """

    features: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    classes: int
    pool: Executor

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of solutions by fit: (d + 1, F, k)."""
        return self.features.shape[1], self.weights.shape[1], self.classes

    @property
    def pictures(self) -> float:
        """The sum of the weights of a fit, on average."""
        return float(self.weights.sum(dtype=np.float64)) / self.weights.shape[1]

    def zeros(self) -> np.ndarray:
        """A start that knows nothing."""
        return np.zeros((self.shape[0], self.shape[1] * self.classes), np.float32)

    def chunks(self) -> list[slice]:
        """The pictures, in pieces for the threads."""
        size = min(ROWS, max(32, CELLS // (self.shape[1] * self.classes)))
        return [slice(start, start + size) for start in range(0, len(self.features), size)]

    def logits(self, solution: np.ndarray) -> Iterator[np.ndarray]:
        """The logits of each chunk, float32 [rows, F, k]."""
        shape = (-1, *self.shape[1:])
        return self.pool.map(lambda rows: (self.features[rows] @ solution).reshape(shape), self.chunks())

    def gram(self) -> np.ndarray:
        """The mean of the products of two features, float32 [d + 1, d + 1]."""
        total = np.zeros((self.shape[0],) * 2, np.float32)
        for part in self.pool.map(lambda rows: self.features[rows].T @ self.features[rows], self.chunks()):
            total += part
        return total / len(self.features)

    def value(self, solution: np.ndarray, strength: float) -> _Value:
        """Losses and gradients at a solution, with the penalty strength / 2 * (sum of squares of the kernel)."""
        loss, curvature = np.zeros(self.shape[1]), np.zeros(self.shape[1])
        gradient = np.zeros_like(solution)
        for one_loss, one_gradient, one_curvature in self.pool.map(
            lambda rows: self._of_rows(solution, rows), self.chunks()
        ):
            loss += one_loss
            gradient += one_gradient
            curvature += one_curvature
        penalty = np.full((self.shape[0], 1), strength, np.float32)
        penalty[-1] = BIAS * self.pictures
        by_fit = (penalty * solution.astype(np.float64) ** 2).reshape(self.shape)
        loss += by_fit.sum(axis=(0, 2)) / 2
        gradient += penalty * solution
        return _Value(loss, gradient.reshape(self.shape), float(curvature.mean()))

    def _of_rows(self, solution: np.ndarray, rows: slice) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Loss [F], gradient [d + 1, F * k] and curvature [F] of some pictures."""
        features, labels, weights = self.features[rows], self.labels[rows], self.weights[rows]
        count = np.arange(len(labels))
        values = (features @ solution).reshape(len(labels), *self.shape[1:])
        values -= values.max(axis=2, keepdims=True)
        given = values[count, :, labels]
        np.exp(values, out=values)
        total = values.sum(axis=2)
        loss = (weights * (np.log(total) - given)).sum(axis=0, dtype=np.float64)
        values /= total[:, :, np.newaxis]
        curvature = (weights * (1 - (values * values).sum(axis=2))).sum(axis=0, dtype=np.float64)
        values[count, :, labels] -= 1
        values *= weights[:, :, np.newaxis]
        return loss, features.T @ values.reshape(len(labels), -1), curvature


@dataclass(frozen=True, eq=False)
class _Value:
    """Losses float64 [F], gradients float32 [d + 1, F, k], and the sum of the pictures' 1 - sum of p ** 2."""

    loss: np.ndarray
    gradient: np.ndarray
    curvature: float


def minimised(
    fits: Fits, start: np.ndarray, strength: float, gram: np.ndarray, accuracy: float, each: Callable[[], None]
) -> np.ndarray:
    """The solutions float32 [d + 1, F * k] with the least loss, to `accuracy` in the loss per picture.

    L-BFGS (Liu and Nocedal 1989). Its first guess of the Hessian is the mean curvature of the softmax at the start
    times `gram`, the mean products of the features, plus the penalty; Böhning (1992) bounds the Hessian in that way.
    A fit takes 3 to 30 passes with it, and several times as many without. `each` is called after each pass; what it
    raises ends the fits.
    """
    first = fits.value(start, strength)
    search = _Search(start.reshape(fits.shape).copy(), first, _preconditioner(fits, first, strength, gram))
    limit = accuracy * fits.pictures
    for _ in range(STEPS):
        each()
        if search.done(limit):
            break
        trial = search.trial()
        search.take(trial, fits.value(trial.reshape(start.shape), strength))
    return search.solution.reshape(start.shape)


def _preconditioner(fits: Fits, value: _Value, strength: float, gram: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """What multiplies gradients [d + 1, F, k] by the inverse of the guessed Hessian."""
    from scipy.linalg import LinAlgError, cho_factor, cho_solve

    hessian = gram * max(value.curvature / (fits.classes - 1), 1e-4 * fits.pictures)
    ridge = np.full(len(gram), strength, np.float32)
    ridge[-1] = BIAS * fits.pictures
    diagonal = np.diag(hessian).copy()
    for _ in range(8):
        np.fill_diagonal(hessian, diagonal + ridge)
        try:
            factor = cho_factor(hessian, lower=True, check_finite=False)
            break
        except LinAlgError:  # too weak a penalty for float32: a guess that is further off only takes more steps
            ridge = np.maximum(100 * ridge, 1e-6 * diagonal.max())

    def inverse(gradient: np.ndarray) -> np.ndarray:
        solved: np.ndarray = cho_solve(factor, gradient.reshape(len(gram), -1), check_finite=False)
        return solved.reshape(gradient.shape)

    return inverse


class _Search:
    """The state of L-BFGS for several fits, each with steps of its own: arrays [d + 1, F, k], and numbers [F]."""

    def __init__(self, solution: np.ndarray, value: _Value, inverse: Callable[[np.ndarray], np.ndarray]) -> None:
        self.solution, self.loss, self.gradient, self.inverse = solution, value.loss, value.gradient, inverse
        self.pairs: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # steps, changes of the gradient, 1 / product
        self.scale, self.size = np.ones(len(self.loss)), np.ones(len(self.loss))
        self.active = np.ones(len(self.loss), bool)
        self.direction = np.zeros_like(solution)
        self._turn(self.active)

    def done(self, limit: float) -> bool:
        """Whether no loss can fall by more than `limit`, as far as its slope says."""
        self.active &= (-self.slope > 2 * limit) & (self.size > SHORTEST)
        return not self.active.any()

    def trial(self) -> np.ndarray:
        """The solutions to try next."""
        return self.solution + _each(self.size * self.active) * self.direction

    def take(self, trial: np.ndarray, value: _Value) -> None:
        """Move the fits whose loss falls enough, and shorten the steps of the others."""
        enough = self.loss + SUFFICIENT * self.size * self.slope + NOISE * (1 + np.abs(self.loss))
        better = self.active & (value.loss <= enough)
        step = _each(better) * (trial - self.solution)
        change = _each(better) * (value.gradient - self.gradient)
        self._remember(step, change)
        self.solution = self.solution + step
        self.gradient = self.gradient + change
        self.loss = np.where(better, value.loss, self.loss)
        self.size = np.where(better, 1.0, self.size * SHORTER)
        self._turn(better)

    def _remember(self, step: np.ndarray, change: np.ndarray) -> None:
        product = _dot(step, change)
        scaled = _dot(change, self.inverse(change))
        useful = (product > 0) & (scaled > 0)
        self.scale = np.where(useful, product / np.where(useful, scaled, 1), self.scale)
        reciprocal = np.where(useful, 1 / np.where(useful, product, 1), 0)  # 0: this pair changes nothing
        self.pairs = [*self.pairs[1 - PAIRS :], (step, change, reciprocal)]

    def _turn(self, which: np.ndarray) -> None:
        """Compute new directions where `which`, bool [F], by the two-loop recursion."""
        vector, factors = self.gradient.copy(), []
        for step, change, reciprocal in reversed(self.pairs):
            factors.append(reciprocal * _dot(step, vector))
            vector -= _each(factors[-1]) * change
        vector = _each(self.scale) * self.inverse(vector)
        for (step, change, reciprocal), factor in zip(self.pairs, reversed(factors), strict=True):
            vector += _each(factor - reciprocal * _dot(change, vector)) * step
        self.direction = np.where(which[:, np.newaxis], -vector, self.direction)
        self.slope = _dot(self.gradient, self.direction)


def _dot(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The products of two arrays [d, F, k] by fit: float64 [F]."""
    return np.einsum("dfk,dfk->f", first, second, dtype=np.float64)


def _each(values: np.ndarray) -> np.ndarray:
    """A number for each fit, [F], as float32 [F, 1], to multiply arrays [d, F, k] with."""
    return values.astype(np.float32)[:, np.newaxis]

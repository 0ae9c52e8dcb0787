"""Drawings of results: calibration, coverage, metrics with intervals, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tellapart.plots.plot import FIRST, MARK, SECOND, Plot, headed, plain, shortened
from tellapart.text import percent


@dataclass(frozen=True, eq=False)
class Calibration(Plot):
    """A reliability diagram: accuracy against confidence.

    A row of `bins` float [bins, 3] is the number of pictures, their mean confidence and their accuracy. `error` is the
    expected calibration error, and `intervals` float [bins, 2] are the 95 % intervals of the accuracies, if known.
    """

    bins: np.ndarray
    error: float
    intervals: np.ndarray | None = None
    size = (4.8, 4.2)
    margins = (0.13, 0.12, 0.98, 0.9)

    def draw(self, axis: Axes) -> None:
        """See Plot. The area of a point grows with its share of the pictures."""
        filled = self.bins[:, 0] > 0
        counts, confidence, accuracy = self.bins[filled].T
        axis.plot([0, 100], [0, 100], color=MARK, linestyle=":", linewidth=1.2, label="perfect calibration")
        if self.intervals is not None:
            low, high = 100 * self.intervals[filled].T
            axis.vlines(100 * confidence, low, high, color=FIRST, alpha=0.35, linewidth=1.5, label="95 % interval")
        sizes = 20 + 280 * counts / counts.sum()
        axis.scatter(100 * confidence, 100 * accuracy, s=sizes, color=FIRST, label="predictions", zorder=3)
        axis.set(xlabel="confidence, %", ylabel="right, %", xlim=(0, 103), ylim=(0, 103))
        headed(axis, "Confidence and accuracy")
        plain(axis)
        axis.legend(frameon=False, loc="upper left", markerscale=0.5, fontsize=9)

    def to_dict(self) -> dict[str, Any]:
        """Return the error, and one row per bin that is not empty."""
        names = ("count", "confidence", "accuracy")
        rows = [dict(zip(names, (int(row[0]), *map(float, row[1:])), strict=True)) for row in self.bins if row[0]]
        return {"error": self.error, "bins": rows}


@dataclass(frozen=True, eq=False)
class Coverage(Plot):
    """The share of wrong answers against the share of answered pictures, over the confidence thresholds.

    `thresholds`, `coverage` and `errors` are float [points]: the confidence from which an answer is given, the share of
    pictures that get one, and the share of these answers that are wrong. `intervals` float [points, 2] are the 95 %
    intervals of the errors, if known. `threshold` is the one in use, if any.
    """

    thresholds: np.ndarray
    coverage: np.ndarray
    errors: np.ndarray
    threshold: float | None = None
    intervals: np.ndarray | None = None
    size = (4.8, 4.2)
    margins = (0.13, 0.12, 0.98, 0.9)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        if self.intervals is not None:
            low, high = 100 * self.intervals.T
            axis.fill_between(
                100 * self.coverage, low, high, color=FIRST, alpha=0.15, linewidth=0, label="95 % interval"
            )
        axis.plot(100 * self.coverage, 100 * self.errors, color=FIRST, linewidth=1.8)
        axis.set(xlabel="pictures answered, %", ylabel="wrong answers, %", xlim=(0, 102))
        axis.set_ylim(bottom=0)
        if self.threshold is not None:
            place = int(np.searchsorted(self.thresholds, self.threshold))
            if place < len(self.thresholds):
                point = 100 * self.coverage[place], 100 * self.errors[place]
                axis.plot(*point, "o", color=SECOND, label=f"unsure below {percent(self.threshold)}")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=9)
        headed(axis, "Errors among answered pictures")
        plain(axis)

    def to_dict(self) -> dict[str, Any]:
        """Return up to 50 points of the curve."""
        chosen = np.unique(np.linspace(0, len(self.thresholds) - 1, 50).round().astype(int))
        names = ("threshold", "coverage", "error")
        columns = (self.thresholds[chosen], self.coverage[chosen], self.errors[chosen])
        return {
            "threshold": self.threshold,
            "points": [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)],
        }


@dataclass(frozen=True, eq=False)
class Intervals(Plot):
    """Values with their intervals, one line each: `values` float [n], `intervals` float [n, 2]."""

    names: Sequence[str]
    values: np.ndarray
    intervals: np.ndarray
    label: str
    zero: bool = False
    """Whether to mark 0, as for differences."""

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; the height grows with the number of lines."""
        return 7, 1.0 + 0.28 * len(self.names)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        places = np.arange(len(self.names))
        errors = np.abs(self.intervals.T - self.values)
        axis.errorbar(self.values, places, xerr=errors, fmt="o", color=FIRST, markersize=4, capsize=2, linewidth=1)
        axis.set_yticks(places, shortened(self.names))
        axis.set_xlabel(self.label)
        axis.invert_yaxis()
        if self.zero:
            axis.axvline(0, color=MARK, linestyle=":")
        plain(axis)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one row per line."""
        rows = zip(self.names, self.values.tolist(), self.intervals.tolist(), strict=True)
        return [{"name": name, "value": value, "interval": interval} for name, value, interval in rows]


@dataclass(frozen=True, eq=False)
class Bars(Plot):
    """Horizontal bars, one per value: `values` float [n], not negative, with `words` written at their ends."""

    names: Sequence[str]
    values: np.ndarray
    words: Sequence[str]
    label: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; the height grows with the number of bars."""
        return 5, 1.0 + 0.28 * len(self.names)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        places = np.arange(len(self.names))
        axis.barh(places, self.values, color=FIRST, height=0.55)
        for place, value, words in zip(places, self.values, self.words, strict=True):
            axis.annotate(words, (value, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
        axis.set_yticks(places, shortened(self.names))
        axis.set(xlabel=self.label, xlim=(0, 1.35 * float(np.max(self.values, initial=0)) or 1))
        axis.invert_yaxis()
        plain(axis)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return one row per bar."""
        rows = zip(self.names, self.values.tolist(), strict=True)
        return [{"name": name, "value": value} for name, value in rows]

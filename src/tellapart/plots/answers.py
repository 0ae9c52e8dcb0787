"""Drawings of results: confusion matrix, calibration, coverage, metrics with intervals, and bars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tellapart.plots.plot import FIRST, MARK, SECOND, Plot, plain, shortened
from tellapart.text import near_one


@dataclass(frozen=True, eq=False)
class ConfusionMatrix(Plot):
    """A confusion matrix: `counts` int64 [classes, classes] with true classes in rows, predicted classes in columns.

    The colour is the share of the true class. Counts are written into the cells for up to 20 classes.
    """

    counts: np.ndarray
    class_names: Sequence[str]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; they grow with the number of classes."""
        side = min(3 + 0.32 * len(self.class_names), 14)
        return side, side

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        count = len(self.class_names)
        shares = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        if count <= 20:
            for (row, column), value in np.ndenumerate(self.counts):
                if value:
                    colour = "white" if shares[row, column] > 0.5 else "#1c2430"
                    axis.text(column, row, f"{value}", ha="center", va="center", color=colour, fontsize=8)
        if count <= 50:
            names = shortened(self.class_names)
            axis.set_xticks(range(count), names, rotation=90)
            axis.set_yticks(range(count), names)
        axis.set(xlabel="predicted class", ylabel="true class")

    def to_dict(self) -> dict[str, Any]:
        """Return the classes and counts."""
        return {"classes": list(self.class_names), "confusion": self.counts.tolist()}


@dataclass(frozen=True, eq=False)
class Calibration(Plot):
    """A reliability diagram: accuracy against confidence.

    A row of `bins` float [bins, 3] is the number of pictures, their mean confidence and their accuracy. `error` is the
    expected calibration error.
    """

    bins: np.ndarray
    error: float
    size = (4.8, 4.8)

    def draw(self, axis: Axes) -> None:
        """See Plot. The area of a point grows with its share of the pictures."""
        counts, confidence, accuracy = self.bins[self.bins[:, 0] > 0].T
        axis.plot([0, 1], [0, 1], color=MARK, linestyle=":", label="perfect calibration")
        axis.plot(confidence, accuracy, color=FIRST, alpha=0.5)
        axis.scatter(confidence, accuracy, s=20 + 280 * counts / counts.sum(), color=FIRST, label="predictions")
        axis.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1.03), ylim=(0, 1.03))
        axis.set_title(f"expected calibration error {self.error:.2%}", fontsize=10)
        plain(axis)
        axis.legend(frameon=False, loc="upper left", markerscale=0.5)

    def to_dict(self) -> dict[str, Any]:
        """Return the error, and one row per bin that is not empty."""
        names = ("count", "confidence", "accuracy")
        rows = [dict(zip(names, (int(row[0]), *map(float, row[1:])), strict=True)) for row in self.bins if row[0]]
        return {"error": self.error, "bins": rows}


@dataclass(frozen=True, eq=False)
class Coverage(Plot):
    """The share of wrong answers against the share of answered pictures, over all confidence thresholds.

    `thresholds`, `coverage` and `errors` are float [points]: the confidence from which an answer is given, the share of
    pictures that get one, and the share of these answers that are wrong. `threshold` is the one in use, if any.
    """

    thresholds: np.ndarray
    coverage: np.ndarray
    errors: np.ndarray
    threshold: float | None = None
    size = (4.8, 4.8)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        axis.plot(100 * self.coverage, 100 * self.errors, color=FIRST)
        axis.set(xlabel="pictures answered, %", ylabel="wrong answers, %", xlim=(0, 102))
        axis.set_ylim(bottom=0)
        if self.threshold is not None:
            place = int(np.searchsorted(self.thresholds, self.threshold))
            if place < len(self.thresholds):
                point = 100 * self.coverage[place], 100 * self.errors[place]
                axis.plot(*point, "o", color=SECOND, label=f"unsure below {near_one(self.threshold)}")
                axis.legend(frameon=False)
        axis.set_title("errors among answered pictures", fontsize=10)
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

"""The confusion matrix as a drawing: with numbers for few classes, ordered by confusion for many."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from tellapart.plots.ordering import confusion_order
from tellapart.plots.plot import MARK, Plot, shortened

NUMBERED = 20
"""Number of classes up to which the cells contain numbers, and the classes keep their order."""

NAMED = 110
"""Number of classes up to which each row has its name; beyond that only groups are named."""

BLOCKS = 250
"""Cells along a side of the drawing, at most: with more classes a cell shows the highest share of several."""

RIGHT = LinearSegmentedColormap.from_list("right", ["#ffffff", "#5b9bf8"])
WRONG = LinearSegmentedColormap.from_list("wrong", ["#ffffff", "#f4762a"])
INK = "#1c2430"


@dataclass(frozen=True, eq=False)
class ConfusionMatrix(Plot):
    """A confusion matrix: `counts` int64 [classes, classes] with true classes in rows, predicted classes in columns.

    The colour of a cell is blue for correct predictions, orange for wrong ones, and the stronger, the larger its share
    of the true class. With up to NUMBERED classes the cells contain the count and this share, or only the share if
    `normalized`. With more, classes that are confused with each other are neighbours, and the colour stands for the
    count unless `normalized`. `ordering` is that of `confusion_order`, if it is known; it takes long.
    """

    counts: np.ndarray
    class_names: Sequence[str]
    normalized: bool = False
    ordering: tuple[np.ndarray, np.ndarray] | None = None

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; they grow with the number of classes."""
        count = len(self.class_names)
        if count <= NUMBERED:
            return 2.4 + 0.62 * count, 2.0 + 0.54 * count
        side = 3 + 0.125 * count
        return (side, side) if count <= NAMED else (10.2, 8.4)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        if len(self.class_names) <= NUMBERED:
            self._draw_numbers(axis)
        else:
            self._draw_ordered(axis)
        axis.set(xlabel="predicted class", ylabel="true class")
        axis.spines[:].set_visible(False)
        axis.tick_params(length=0)

    def _draw_numbers(self, axis: Axes) -> None:
        count, shares = len(self.class_names), self._shares()
        axis.imshow(_coloured(shares, np.eye(count, dtype=bool)))
        font = 9 if count <= 10 else 7.5
        for (row, column), value in np.ndenumerate(self.counts):
            if value:
                words = self._words(int(value), float(shares[row, column]))
                axis.text(column, row, words, ha="center", va="center", color=INK, fontsize=font, linespacing=1.1)
        self._name(axis, np.arange(count), 9)
        edges, ends = np.arange(count + 1) - 0.5, (-0.5, count - 0.5)
        axis.hlines(edges, *ends, color=MARK, alpha=0.25, linewidth=0.6)  # minor ticks would take long to draw
        axis.vlines(edges, *ends, color=MARK, alpha=0.25, linewidth=0.6)
        axis.set(xlim=ends, ylim=ends[::-1])

    def _words(self, count: int, share: float) -> str:
        """Return what a cell says: count and share, of which one may be enough."""
        percentage = whole_percent(share)
        return percentage if self.normalized else f"{count}" if share == 1 else f"{count}\n{percentage}"

    def _draw_ordered(self, axis: Axes) -> None:
        count = len(self.class_names)
        order, groups = self.ordering or confusion_order(self.counts)
        values = self._shares() if self.normalized else self.counts / max(1, int(self.counts.max()))
        step = -(-count // BLOCKS)
        picture = _coloured(_highest(values[np.ix_(order, order)], step), np.eye(-(-count // step), dtype=bool))
        extent = (-0.5, len(picture) * step - 0.5, len(picture) * step - 0.5, -0.5)
        axis.imshow(picture, extent=extent, interpolation="none")
        for first, length in _runs(groups) if count <= NAMED else ():  # smaller frames would hide what is in them
            if length > 1:
                box = Rectangle((first - 0.5, first - 0.5), length, length, fill=False, edgecolor=MARK, linewidth=0.8)
                axis.add_patch(box)
        if count <= NAMED:
            self._name(axis, order, 6.5, 26)
        else:
            self._name_groups(axis, order, groups)
        axis.set(xlim=(-0.5, count - 0.5), ylim=(count - 0.5, -0.5))

    def _name(self, axis: Axes, order: np.ndarray, font: float, length: int = 18) -> None:
        names = shortened([self.class_names[c] for c in order], length)
        axis.set_xticks(range(len(names)), names, rotation=90, fontsize=font)
        axis.set_yticks(range(len(names)), names, fontsize=font)

    def _name_groups(self, axis: Axes, order: np.ndarray, groups: np.ndarray) -> None:
        """Name the largest groups of classes by their first members, if they are far enough apart."""
        runs = sorted(_runs(groups), key=lambda run: -run[1])
        places: dict[float, str] = {}
        for first, length in runs:
            middle = first + (length - 1) / 2
            if length > 1 and len(places) < 40 and all(abs(middle - other) > len(order) / 45 for other in places):
                names = shortened([self.class_names[c] for c in order[first : first + 2]], 14)
                places[middle] = ", ".join(names) + (f" +{length - 2}" if length > 2 else "")
        axis.set_xticks([])
        axis.set_yticks(list(places), list(places.values()), fontsize=6.5)

    def _shares(self) -> np.ndarray:
        result: np.ndarray = self.counts / np.maximum(self.counts.sum(axis=1, keepdims=True), 1)
        return result

    def to_dict(self) -> dict[str, Any]:
        """Return the classes and counts."""
        return {"classes": list(self.class_names), "confusion": self.counts.tolist()}


def whole_percent(share: float) -> str:
    """Return a share for a small cell: `67 %`, `<1 %`, `>99 %`; `100 %` and `0 %` mean exactly that."""
    if 0 < share < 0.005:
        return "<1 %"
    return ">99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _coloured(shares: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Return the colours float [n, n, 4] of shares from 0 to 1; small shares are visible, 0 is transparent."""
    strength = np.where(shares > 0, 0.08 + 0.92 * shares, 0)
    colours = np.where(diagonal[..., None], RIGHT(strength), WRONG(np.sqrt(strength)))
    colours[..., 3] = shares > 0
    return np.asarray(colours)


def _highest(shares: np.ndarray, step: int) -> np.ndarray:
    """Return the highest value of each block of `step` x `step` cells."""
    if step == 1:
        return shares
    missing = -len(shares) % step
    padded = np.pad(shares, (0, missing))
    side = len(padded) // step
    return np.asarray(padded.reshape(side, step, side, step).max(axis=(1, 3)))


def _runs(groups: np.ndarray) -> list[tuple[int, int]]:
    """Return the start and the length of each run of equal values."""
    runs, start = [], 0
    for _, members in groupby(groups.tolist()):
        length = len(list(members))
        runs.append((start, length))
        start += length
    return runs

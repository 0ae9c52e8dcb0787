"""What is drawn, with matplotlib: each drawing is an object that keeps its figures, and draws on any axis or its own.

Nothing here keeps global state, so drawings can be made anywhere, in any thread.
"""

from __future__ import annotations

import io
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tellapart.files import replacing

FIRST, SECOND, MARK = "#1f6feb", "#d9480f", "#6b7280"


class Plot(ABC):
    """A drawing. A notebook shows it; `to_dict` is for machines."""

    @property
    @abstractmethod
    def size(self) -> tuple[float, float]:
        """Width and height in inches where it has a figure of its own."""

    @abstractmethod
    def draw(self, axis: Axes) -> None:
        """Draw on an axis of anybody's figure."""

    @abstractmethod
    def to_dict(self) -> Any:
        """The figures that are drawn."""

    def figure(self) -> Figure:
        """A figure with nothing but this."""
        figure = Figure(figsize=self.size, layout="constrained")
        self.draw(figure.subplots())
        return figure

    def svg(self) -> str:
        """The drawing for a web page, its text as text and in the colour of what is around it."""
        return as_svg(self.figure())

    def save(self, path: Path) -> None:
        """Write it as PNG, wholly or not at all."""
        save_figure(self.figure(), path)

    def _repr_html_(self) -> str:
        return self.svg()


@dataclass(frozen=True, eq=False)
class LearningCurve(Plot):
    """`loss` or `accuracy` by epoch, for training and validation, the epoch of the kept weights marked."""

    history: Sequence[dict[str, float]]
    best_epoch: int
    name: str = "accuracy"
    size = (5, 4)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        epochs = [row["epoch"] for row in self.history]
        for column, label, colour in ((self.name, "training", FIRST), (f"val_{self.name}", "validation", SECOND)):
            if column in self.history[0]:
                values = [row[column] for row in self.history]
                axis.plot(epochs, values, color=colour, label=label, marker="o", markersize=3)
        axis.axvline(self.best_epoch, color=MARK, linestyle=":", label=f"kept: epoch {self.best_epoch}")
        axis.set(xlabel="epoch", title=self.name.capitalize())
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        _plain(axis)
        axis.legend(frameon=False)

    def to_dict(self) -> list[dict[str, float]]:
        """A row an epoch."""
        return [
            {key: row[key] for key in ("epoch", self.name, f"val_{self.name}") if key in row} for row in self.history
        ]


@dataclass(frozen=True, eq=False)
class LearningCurves(Plot):
    """Loss and accuracy side by side."""

    history: Sequence[dict[str, float]]
    best_epoch: int
    size = (10, 4)

    def figure(self) -> Figure:
        """Both of them."""
        figure = Figure(figsize=self.size, layout="constrained")
        for axis, curve in zip(figure.subplots(1, 2), self.curves(), strict=True):
            curve.draw(axis)
        return figure

    def curves(self) -> tuple[LearningCurve, LearningCurve]:
        """Each as a drawing of its own."""
        return tuple(LearningCurve(self.history, self.best_epoch, name) for name in ("loss", "accuracy"))  # type: ignore[return-value]

    def draw(self, axis: Axes) -> None:
        """Of the two, accuracy."""
        self.curves()[1].draw(axis)

    def to_dict(self) -> list[dict[str, float]]:
        """A row an epoch."""
        return [dict(row) for row in self.history]


@dataclass(frozen=True, eq=False)
class ConfusionMatrix(Plot):
    """`counts` int64 [classes, classes]: the true class a row, the predicted one a column.

    Coloured by the share of each true class; counts are written in where they fit.
    """

    counts: np.ndarray
    class_names: Sequence[str]

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the classes."""
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
            names = [shorten(name) for name in self.class_names]
            axis.set_xticks(range(count), names, rotation=90)
            axis.set_yticks(range(count), names)
        axis.set(xlabel="predicted class", ylabel="true class")

    def to_dict(self) -> dict[str, Any]:
        """Classes and counts."""
        return {"classes": list(self.class_names), "confusion": self.counts.tolist()}


@dataclass(frozen=True, eq=False)
class Calibration(Plot):
    """What the probabilities of answers promise, against the share that is right.

    `bins` float [bins, 3]: pictures, mean probability and share of right answers; `error` is the expected one.
    """

    bins: np.ndarray
    error: float
    size = (4.8, 4.8)

    def draw(self, axis: Axes) -> None:
        """See Plot. The area of a point is the share of pictures."""
        counts, promised, right = self.bins[self.bins[:, 0] > 0].T
        axis.plot([0, 1], [0, 1], color=MARK, linestyle=":", label="as promised")
        axis.plot(promised, right, color=FIRST, alpha=0.5)
        axis.scatter(promised, right, s=20 + 280 * counts / counts.sum(), color=FIRST, label="answers")
        axis.set(xlabel="probability of the answer", ylabel="share that is right", xlim=(0, 1.03), ylim=(0, 1.03))
        axis.set_title(f"expected calibration error {self.error:.2%}", fontsize=10)
        _plain(axis)
        axis.legend(frameon=False, loc="upper left", markerscale=0.5)

    def to_dict(self) -> dict[str, Any]:
        """The error, and a row a bin that is not empty."""
        names = ("count", "probability", "right")
        rows = [dict(zip(names, (int(row[0]), *map(float, row[1:])), strict=True)) for row in self.bins if row[0]]
        return {"error": self.error, "bins": rows}


@dataclass(frozen=True, eq=False)
class Coverage(Plot):
    """How many pictures are answered, and how many of the answers are wrong, as fewer and fewer are called unsure.

    `thresholds`, `coverage` and `errors` float [points]: an answer is given from this probability up, to this share of
    pictures, this share of the answers being wrong. `threshold` is the one in use, if any.
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
                axis.plot(*point, "o", color=SECOND, label=f"unsure below {self.threshold:.1%}")
                axis.legend(frameon=False)
        axis.set_title("errors among the answers that are given", fontsize=10)
        _plain(axis)

    def to_dict(self) -> dict[str, Any]:
        """At most 50 points of the curve."""
        chosen = np.unique(np.linspace(0, len(self.thresholds) - 1, 50).round().astype(int))
        names = ("threshold", "coverage", "error")
        columns = (self.thresholds[chosen], self.coverage[chosen], self.errors[chosen])
        return {
            "threshold": self.threshold,
            "points": [dict(zip(names, map(float, row), strict=True)) for row in zip(*columns, strict=True)],
        }


@dataclass(frozen=True, eq=False)
class Intervals(Plot):
    """Figures with their intervals, a line each: `values` float [n], `intervals` float [n, 2]."""

    names: Sequence[str]
    values: np.ndarray
    intervals: np.ndarray
    label: str
    zero: bool = False
    """Whether 0 is marked, as for differences."""

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the lines."""
        return 7, 1.0 + 0.28 * len(self.names)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        places = np.arange(len(self.names))
        arms = np.abs(self.intervals.T - self.values)
        axis.errorbar(self.values, places, xerr=arms, fmt="o", color=FIRST, markersize=4, capsize=2, linewidth=1)
        axis.set_yticks(places, [shorten(name) for name in self.names])
        axis.set_xlabel(self.label)
        axis.invert_yaxis()
        if self.zero:
            axis.axvline(0, color=MARK, linestyle=":")
        _plain(axis)

    def to_dict(self) -> list[dict[str, Any]]:
        """A row a line."""
        rows = zip(self.names, self.values.tolist(), self.intervals.tolist(), strict=True)
        return [{"name": name, "value": value, "interval": interval} for name, value, interval in rows]


@dataclass(frozen=True, eq=False)
class Bars(Plot):
    """What things cost: a bar each, of `values` float [n] above 0, `words` written at their ends."""

    names: Sequence[str]
    values: np.ndarray
    words: Sequence[str]
    label: str

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the bars."""
        return 5, 1.0 + 0.28 * len(self.names)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        places = np.arange(len(self.names))
        axis.barh(places, self.values, color=FIRST, height=0.55)
        for place, value, words in zip(places, self.values, self.words, strict=True):
            axis.annotate(words, (value, place), (4, 0), textcoords="offset points", va="center", fontsize=9)
        axis.set_yticks(places, [shorten(name) for name in self.names])
        axis.set(xlabel=self.label, xlim=(0, 1.35 * float(np.max(self.values, initial=0)) or 1))
        axis.invert_yaxis()
        _plain(axis)

    def to_dict(self) -> list[dict[str, Any]]:
        """A row a bar."""
        rows = zip(self.names, self.values.tolist(), strict=True)
        return [{"name": name, "value": value} for name, value in rows]


@dataclass(frozen=True, eq=False)
class Panels(Plot):
    """Several drawings in one figure, two beside each other."""

    parts: Sequence[Plot]

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the rows."""
        return 12, sum(max(part.size[1] for part in self.parts[k : k + 2]) for k in range(0, len(self.parts), 2)) + 0.4

    def figure(self) -> Figure:
        """All of them."""
        figure = Figure(figsize=self.size, layout="constrained")
        rows = -(-len(self.parts) // 2)
        axes = list(figure.subplots(rows, 2, squeeze=False).flat)
        for part, axis in zip(self.parts, axes, strict=False):
            part.draw(axis)
        for axis in axes[len(self.parts) :]:
            axis.set_axis_off()
        return figure

    def draw(self, axis: Axes) -> None:
        """Of all of them, the first."""
        self.parts[0].draw(axis)

    def to_dict(self) -> list[Any]:
        """What each of them has."""
        return [part.to_dict() for part in self.parts]


@dataclass(frozen=True, eq=False)
class PictureGrid(Plot):
    """Pictures, uint8 [height, width, 1 or 3] each, in rows with a title over each."""

    pictures: Sequence[np.ndarray]
    titles: Sequence[str]
    columns: int = 5

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the rows."""
        return 1.7 * self.columns, 1.9 * -(-len(self.pictures) // self.columns)

    def draw(self, axis: Axes) -> None:
        """See Plot. All of them lie on one axis, since an axis costs many times what a picture does."""
        axis.set_axis_off()
        rows = -(-len(self.pictures) // self.columns)
        axis.set(xlim=(-0.03, self.columns), ylim=(1.15 * rows, -0.2), aspect="equal")
        for number, picture in enumerate(self.pictures):
            row, column = divmod(number, self.columns)
            height, width = (0.94 * side / max(picture.shape[:2]) for side in picture.shape[:2])
            left, top = column + (0.97 - width) / 2, 1.15 * row + (0.94 - height) / 2
            shown = picture[:, :, 0] if picture.shape[2] == 1 else picture
            axis.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=(left, left + width, top + height, top), zorder=1)
            axis.text(column + 0.485, 1.15 * row - 0.04, shorten(self.titles[number], 24), ha="center", fontsize=9)
        axis.set(xlim=(-0.03, self.columns), ylim=(1.15 * rows, -0.2))  # which imshow moves

    def to_dict(self) -> list[str]:
        """The titles."""
        return list(self.titles)


@dataclass(frozen=True, eq=False)
class SlidKernel(Plot):
    """A picture, a kernel float [k, k] with its numbers, and what it answers at every place, float [height, width]."""

    picture: np.ndarray
    kernel: np.ndarray
    answers: np.ndarray
    name: str
    size = (10.5, 3.8)

    def figure(self) -> Figure:
        """The three side by side."""
        figure = Figure(figsize=self.size, layout="constrained")
        first, second, third = figure.subplots(1, 3)
        first.imshow(self.picture.mean(axis=2), cmap="gray", vmin=0, vmax=255)
        first.set_title("the picture, in grey", fontsize=10)
        limit = float(np.abs(self.kernel).max()) or 1.0
        second.imshow(self.kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
        second.set_title(f"the kernel: {shorten(self.name, 30)}", fontsize=10)
        for (row, column), value in np.ndenumerate(self.kernel):
            colour = "white" if abs(value) > 0.6 * limit else "black"
            second.text(column, row, f"{value:.2g}", ha="center", va="center", color=colour, fontsize=9)
        self.draw(third)
        for axis in (first, second, third):
            axis.set_axis_off()
        return figure

    def draw(self, axis: Axes) -> None:
        """Draw what the kernel answers."""
        limit = float(np.abs(self.answers).max()) or 1.0
        axis.imshow(self.answers, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title("what it answers: red high, blue below 0", fontsize=10)

    def to_dict(self) -> dict[str, Any]:
        """The kernel, and where it answers most."""
        row, column = np.unravel_index(int(self.answers.argmax()), self.answers.shape)
        return {
            "kernel": self.name,
            "values": self.kernel.tolist(),
            "lowest": float(self.answers.min()),
            "highest": float(self.answers.max()),
            "highest_at": {"row": int(row), "column": int(column)},
        }


@dataclass(frozen=True, eq=False)
class MapRows(Plot):
    """Maps float [height, width], in rows with a title before each; each map from its own lowest to highest."""

    rows: Sequence[tuple[str, Sequence[np.ndarray]]]

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the rows."""
        return 11, 0.5 + 1.15 * len(self.rows)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        axis.set_axis_off()
        widest = max(len(maps) for _, maps in self.rows)
        for place, (title, maps) in enumerate(self.rows):
            axis.text(-0.1, place + 0.5, title, ha="right", va="center", fontsize=9)
            for column, values in enumerate(maps):
                extent = (column + 0.03, column + 0.97, place + 0.97, place + 0.03)
                axis.imshow(values, cmap="viridis", extent=extent)
        axis.set(xlim=(-1.6, widest), ylim=(len(self.rows), 0), aspect="equal")

    def to_dict(self) -> list[dict[str, Any]]:
        """A row a layer: its title and how many maps are shown."""
        return [{"title": title, "maps": len(maps)} for title, maps in self.rows]


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture uint8 [height, width, 1 or 3] in grey under a heat map float [height, width] in 0..1: uint8, RGB.

    Nothing is where the map is 0; the redder, the higher.
    """
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    colours = 255 * matplotlib.colormaps["YlOrRd"](0.25 + 0.75 * heat)[..., :3]
    share = (0.7 * np.sqrt(heat))[..., None]
    return np.clip(grey * (1 - share) + colours * share, 0, 255).astype(np.uint8)


def as_svg(figure: Figure) -> str:
    """A figure as SVG markup that can stand in a page: no fonts, text in the page's colour, no date."""
    buffer = io.StringIO()
    figure.patch.set_alpha(0)
    for axis in figure.axes:
        axis.patch.set_alpha(0)
    with matplotlib.rc_context({"svg.fonttype": "none"}):  # text as text: smaller, and found by a page's search
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, wholly or not at all."""
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def shorten(name: str, length: int = 18) -> str:
    """A class name that fits a label; dollar signs are text, not formulas."""
    return (name if len(name) <= length else name[: length - 1] + "…").replace("$", r"\$")


def _plain(axis: Axes) -> None:
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)

"""Learning curves: loss and accuracy by epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from tellapart.plots.plot import FIRST, MARK, SECOND, Plot, headed, plain
from tellapart.text import percent


@dataclass(frozen=True, eq=False)
class LearningCurve(Plot):
    """`loss` or `accuracy` by epoch, for training and validation. The epoch of the saved weights is marked.

    Epochs on smaller pictures are shaded: their `size` in the history is below 1, a share of the full size.
    """

    history: Sequence[dict[str, float]]
    best_epoch: int
    name: str = "accuracy"
    size = (5, 3.6)
    margins = (0.12, 0.13, 0.98, 0.89)

    def draw(self, axis: Axes) -> None:
        """See Plot."""
        epochs = [row["epoch"] for row in self.history]
        if smaller := smaller_epochs(self.history):
            size = next(row["size"] for row in self.history if row.get("size", 1) < 1)
            axis.axvspan(
                epochs[0] - 0.5,
                smaller + 0.5,
                color=MARK,
                alpha=0.13,
                linewidth=0,
                label=f"pictures at {percent(size, digits=0)}",
            )
        for column, label, colour in ((self.name, "training", FIRST), (f"val_{self.name}", "validation", SECOND)):
            if column in self.history[0]:
                values = [row[column] for row in self.history]
                dot = "o" if len(epochs) <= 40 else ""
                axis.plot(epochs, values, color=colour, label=label, linewidth=1.8, marker=dot, markersize=3)
        if self.best_epoch:  # 0: no epoch was better than the start
            axis.axvline(self.best_epoch, color=MARK, linestyle=":", label=f"saved: epoch {self.best_epoch}")
        axis.set(xlabel="epoch", xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
        headed(axis, self.name.capitalize())
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        plain(axis)
        axis.legend(frameon=False, fontsize=9)

    def to_dict(self) -> list[dict[str, float]]:
        """Return one row per epoch."""
        columns = ("epoch", self.name, f"val_{self.name}", "size")
        return [{key: row[key] for key in columns if key in row} for row in self.history]


@dataclass(frozen=True, eq=False)
class LearningCurves(Plot):
    """Loss and accuracy side by side."""

    history: Sequence[dict[str, float]]
    best_epoch: int
    size = (10, 3.6)

    def _figure(self) -> Figure:
        """Return a matplotlib figure of both."""
        figure = Figure(figsize=self.size)
        for axis, curve in zip(figure.subplots(1, 2), self.curves(), strict=True):
            curve.draw(axis)
        figure.subplots_adjust(0.06, 0.13, 0.99, 0.89, 0.16)
        return figure

    def curves(self) -> tuple[LearningCurve, LearningCurve]:
        """Return loss and accuracy as separate drawings."""
        loss = LearningCurve(self.history, self.best_epoch, "loss")
        return loss, LearningCurve(self.history, self.best_epoch, "accuracy")

    def draw(self, axis: Axes) -> None:
        """Draw only the accuracy: one axis has room for one curve."""
        self.curves()[1].draw(axis)

    def to_dict(self) -> list[dict[str, float]]:
        """Return one row per epoch."""
        return [dict(row) for row in self.history]


def smaller_epochs(history: Sequence[dict[str, float]]) -> int:
    """Return the last epoch that was trained on smaller pictures; 0 if there was none."""
    return int(max((row["epoch"] for row in history if row.get("size", 1) < 1), default=0))

"""Several drawings in one matplotlib figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart.plots.plot import Plot


@dataclass(frozen=True, eq=False)
class Panels(Plot):
    """Several drawings in one matplotlib figure, two per row."""

    plots: Sequence[Plot]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; the height grows with the number of rows."""
        rows = (self.plots[k : k + 2] for k in range(0, len(self.plots), 2))
        return 12, sum(max(plot.size[1] for plot in row) for row in rows) + 0.4

    def _figure(self) -> Figure:
        """Return a matplotlib figure of all drawings."""
        figure = Figure(figsize=self.size, layout="constrained")
        rows = -(-len(self.plots) // 2)
        axes = list(figure.subplots(rows, 2, squeeze=False).flat)
        for plot, axis in zip(self.plots, axes, strict=False):
            plot.draw(axis)
        for axis in axes[len(self.plots) :]:
            axis.set_axis_off()
        return figure

    def draw(self, axis: Axes) -> None:
        """Draw only the first: one axis has room for one drawing."""
        self.plots[0].draw(axis)

    def to_dict(self) -> list[Any]:
        """Return the values of each drawing."""
        return [plot.to_dict() for plot in self.plots]

"""Several drawings in one figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart.plots.plot import Plot


@dataclass(frozen=True, eq=False)
class Panels(Plot):
    """Several drawings in one figure, two beside each other."""

    parts: Sequence[Plot]

    @property
    def size(self) -> tuple[float, float]:
        """Grows with the rows."""
        return 12, sum(max(part.size[1] for part in self.parts[k : k + 2]) for k in range(0, len(self.parts), 2)) + 0.4

    def _figure(self) -> Figure:
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

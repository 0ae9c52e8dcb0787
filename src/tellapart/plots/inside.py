"""Drawings of what goes on within a network: a kernel sliding over a picture, maps layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart.plots.plot import Plot, shorten


@dataclass(frozen=True, eq=False)
class SlidKernel(Plot):
    """A picture, a kernel float [k, k] with its numbers, and what it answers at every place, float [height, width].

    A kernel float [k, k, 3] is one for colours, and drawn in them, with grey for 0.
    """

    picture: np.ndarray
    kernel: np.ndarray
    answers: np.ndarray
    name: str
    size = (10.5, 3.8)

    def _figure(self) -> Figure:
        """The three side by side."""
        figure = Figure(figsize=self.size, layout="constrained")
        first, second, third = figure.subplots(1, 3)
        limit = float(np.abs(self.kernel).max()) or 1.0
        if self.kernel.ndim == 3:
            first.imshow(self.picture)
            first.set_title("the picture", fontsize=10)
            second.imshow(self.kernel / (2 * limit) + 0.5)
            second.set_title(f"the kernel: {shorten(self.name, 30)} (grey is 0)", fontsize=10)
        else:
            first.imshow(self.picture.mean(axis=2), cmap="gray", vmin=0, vmax=255)
            first.set_title("the picture, in grey", fontsize=10)
            second.imshow(self.kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
            second.set_title(f"the kernel: {shorten(self.name, 30)}", fontsize=10)
        for (row, column), value in np.ndenumerate(self.kernel) if self.kernel.ndim == 2 else ():
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
    """Maps float [height, width], in rows with a title before each; each map from its own lowest to highest.

    Those of [height, width, 3] are colours from 0 to 1.
    """

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

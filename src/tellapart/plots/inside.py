"""Drawings of the inside of a network: the response to a kernel, and maps layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart.plots.plot import Plot, shorten


@dataclass(frozen=True, eq=False)
class KernelResponse(Plot):
    """A picture, a kernel and its response at every place, side by side.

    `kernel` is float [k, k], drawn with its weights, or float [k, k, 3], drawn in colours with grey for 0. `response`
    is float [height, width].
    """

    picture: np.ndarray
    kernel: np.ndarray
    response: np.ndarray
    name: str
    size = (10.5, 3.8)

    def _figure(self) -> Figure:
        """Return a matplotlib figure of the three."""
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
        """Draw the response."""
        limit = float(np.abs(self.response).max()) or 1.0
        axis.imshow(self.response, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axis.set_title("the response: red positive, blue negative", fontsize=10)

    def to_dict(self) -> dict[str, Any]:
        """Return the kernel, the range of its response, and where the response is highest."""
        row, column = np.unravel_index(int(self.response.argmax()), self.response.shape)
        return {
            "kernel": self.name,
            "values": self.kernel.tolist(),
            "lowest": float(self.response.min()),
            "highest": float(self.response.max()),
            "highest_at": {"row": int(row), "column": int(column)},
        }


@dataclass(frozen=True, eq=False)
class MapRows(Plot):
    """Rows of maps with a title each. A map is float [height, width], coloured from its lowest to its highest value, or
    float [height, width, 3] with colours from 0 to 1.
    """

    rows: Sequence[tuple[str, Sequence[np.ndarray]]]

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; the height grows with the number of rows."""
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
        """Return one row per layer: its title and the number of its maps that are drawn."""
        return [{"title": title, "maps": len(maps)} for title, maps in self.rows]

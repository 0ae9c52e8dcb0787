"""A grid of pictures, and a picture under a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart.plots.plot import Plot, shorten


@dataclass(frozen=True, eq=False)
class PictureGrid(Plot):
    """A grid of pictures, uint8 [height, width, 1 or 3] each, with a title of one line or more above each."""

    pictures: Sequence[np.ndarray]
    titles: Sequence[str]
    columns: int = 5
    inches: float = 1.7
    """The width of a picture with its margins."""

    @classmethod
    def by_epoch(cls, names: Sequence[str], pictures: np.ndarray, changed: Sequence[np.ndarray]) -> PictureGrid:
        """Return a row for each of the pictures [n, ...]: itself under its name, then as each epoch `changed` it."""
        columns = [pictures, *changed]
        titles = [name if place == 0 else f"epoch {place}" for name in names for place in range(len(columns))]
        return cls([column[row] for row in range(len(pictures)) for column in columns], titles, len(columns))

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in inches; the height grows with the number of rows."""
        rows = -(-len(self.pictures) // self.columns)
        return self.inches * self.columns, self.inches * (1.9 / 1.7 + self._extra) * rows

    @property
    def _extra(self) -> float:
        """The height of the lines of the titles after the first, as a share of a picture's."""
        return 0.11 * max((title.count("\n") for title in self.titles), default=0)

    def _figure(self) -> Figure:
        """Return a matplotlib figure that the grid fills: without labels outside there is no layout to compute."""
        figure = Figure(figsize=self.size)
        self.draw(figure.add_axes((0.01, 0.01, 0.98, 0.98)))
        return figure

    def draw(self, axis: Axes) -> None:
        """See Plot. All pictures are on one axis, because an axis takes many times longer to draw than a picture."""
        axis.set_axis_off()
        rows = -(-len(self.pictures) // self.columns)
        step = 1.15 + self._extra
        limits = {"xlim": (-0.03, self.columns), "ylim": (step * rows, -0.2 - self._extra)}
        axis.set(**limits, aspect="equal")
        for number, picture in enumerate(self.pictures):
            row, column = divmod(number, self.columns)
            height, width = (0.94 * side / max(picture.shape[:2]) for side in picture.shape[:2])
            left, top = column + (0.97 - width) / 2, step * row + (0.94 - height) / 2
            shown = picture[:, :, 0] if picture.shape[2] == 1 else picture
            axis.imshow(shown, cmap="gray", vmin=0, vmax=255, extent=(left, left + width, top + height, top), zorder=1)
            title = "\n".join(shorten(line, 22) for line in self.titles[number].split("\n"))
            axis.text(column + 0.485, step * row - 0.04, title, ha="center", fontsize=9, linespacing=1.1)
        axis.set(**limits)  # imshow changes them

    def to_dict(self) -> list[str]:
        """Return the titles."""
        return list(self.titles)


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """Return a picture uint8 [height, width, 1 or 3] in grey under a heat map float [height, width] from 0 to 1.

    The result is uint8 [height, width, 3]: the higher the map, the redder; unchanged grey where the map is 0.
    """
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    colours = 255 * matplotlib.colormaps["YlOrRd"](0.25 + 0.75 * heat)[..., :3]
    share = (0.7 * heat**0.7)[..., None]
    result: np.ndarray = np.clip(grey * (1 - share) + colours * share, 0, 255).astype(np.uint8)
    return result

"""Pictures in a grid, and heat maps over them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from tellapart.plots.plot import Plot, shorten


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
            axis.text(column + 0.485, 1.15 * row - 0.04, shorten(self.titles[number], 22), ha="center", fontsize=9)
        axis.set(xlim=(-0.03, self.columns), ylim=(1.15 * rows, -0.2))  # which imshow moves

    def to_dict(self) -> list[str]:
        """The titles."""
        return list(self.titles)


def overlay(picture: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A picture uint8 [height, width, 1 or 3] in grey under a heat map float [height, width] in 0..1: uint8, RGB.

    Nothing is where the map is 0; the redder, the higher.
    """
    grey = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    colours = 255 * matplotlib.colormaps["YlOrRd"](0.25 + 0.75 * heat)[..., :3]
    share = (0.7 * np.sqrt(heat))[..., None]
    result: np.ndarray = np.clip(grey * (1 - share) + colours * share, 0, 255).astype(np.uint8)
    return result

"""What every drawing is: an object that keeps its figures, and draws with matplotlib on any axis or on its own.

Drawings can be made in any thread; while one is written, matplotlib's settings, which are the process's, are held.
"""

from __future__ import annotations

import contextlib
import io
import threading
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart import text
from tellapart.files import replacing

_SETTINGS = threading.RLock()

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
        with _SETTINGS, matplotlib.rc_context({"font.family": [*matplotlib.rcParams["font.family"], *_helping()]}):
            return self._figure()

    def _figure(self) -> Figure:
        figure = Figure(figsize=self.size, layout="constrained")
        self.draw(figure.subplots())
        return figure

    def svg(self) -> str:
        """The drawing for a web page, its text as text and in the colour of what is around it."""
        return as_svg(self.figure())

    def png(self) -> bytes:
        """The drawing as the bytes of a PNG file."""
        buffer = io.BytesIO()
        with _any_script():
            self.figure().savefig(buffer, format="png")
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write it as PNG, wholly or not at all."""
        save_figure(self.figure(), path)

    def _repr_html_(self) -> str:
        return self.svg()


def as_svg(figure: Figure) -> str:
    """A figure as SVG markup that can stand in a page: no fonts, text in the page's colour, no date."""
    buffer = io.StringIO()
    figure.patch.set_alpha(0)
    for axis in figure.axes:
        axis.patch.set_alpha(0)
    # Text as text: smaller, and found by a page's search.
    with _SETTINGS, matplotlib.rc_context({"svg.fonttype": "none"}), _any_script():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, wholly or not at all."""
    with replacing(path) as temporary, _any_script():
        figure.savefig(temporary, format="png", dpi=120)


SCRIPTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Hiragino Sans", "Arial Unicode MS", "Yu Gothic",
    "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari", "Segoe UI Emoji",
)  # fmt: skip
"""Fonts with letters that matplotlib's own lacks; those that are installed help out."""


@cache
def _helping() -> list[str]:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return [name for name in SCRIPTS if name in there]


@contextlib.contextmanager
def _any_script() -> Iterator[None]:
    """Letters that no font here has become boxes, without a warning about each of them."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def shorten(name: str, length: int = 18) -> str:
    """A class name that fits a label; dollar signs are text, not formulas."""
    return (name if len(name) <= length else name[: length - 1] + "…").replace("$", r"\$")


def shortened(names: Sequence[str], length: int = 18) -> list[str]:
    """Names that fit labels and still differ, see `text.shortened`; dollar signs are text, not formulas."""
    return [name.replace("$", r"\$") for name in text.shortened(names, length)]


def plain(axis: Axes) -> None:
    """A faint grid, and no frame on the sides that measure nothing."""
    axis.grid(alpha=0.25)
    axis.spines[["top", "right"]].set_visible(False)

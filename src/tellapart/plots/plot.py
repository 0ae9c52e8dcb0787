"""The base class of all drawings: it keeps the values, and draws them with matplotlib on any axis or on its own.

Drawings can be made in any thread. While one is drawn or written, a lock protects matplotlib's settings, which are
global.
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
from typing import Any, ClassVar

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tellapart import text
from tellapart.files import replacing

_SETTINGS = threading.RLock()

FIRST, SECOND, MARK = "#1f6feb", "#d9480f", "#6b7280"


class Plot(ABC):
    """A drawing. A notebook shows it; `to_dict` returns its values."""

    margins: ClassVar[tuple[float, float, float, float] | None] = None
    """Where its axis is: left, bottom, right and top, as shares of the size. By default, matplotlib computes them from
    all labels, which takes as long as drawing; numbers are short enough for fixed ones.
    """

    @property
    @abstractmethod
    def size(self) -> tuple[float, float]:
        """Width and height of its own matplotlib figure, in inches."""

    @abstractmethod
    def draw(self, axis: Axes) -> None:
        """Draw on an axis of any matplotlib figure."""

    @abstractmethod
    def to_dict(self) -> Any:
        """Return the values in the drawing as JSON-ready data."""

    def figure(self) -> Figure:
        """Return a matplotlib figure with only this drawing."""
        with _SETTINGS:
            families = [*matplotlib.rcParams["font.family"], *_fallback_fonts()]
            with matplotlib.rc_context({"font.family": families}):
                return self._figure()

    def _figure(self) -> Figure:
        figure = Figure(figsize=self.size, layout=None if self.margins else "constrained")
        self.draw(figure.subplots())
        if self.margins is not None:
            figure.subplots_adjust(*self.margins)
        return figure

    def svg(self) -> str:
        """Return the drawing as SVG for a web page; its text stays text and takes the colour of the page's."""
        return as_svg(self.figure())

    def png(self) -> bytes:
        """Return the drawing as the bytes of a PNG file."""
        buffer = io.BytesIO()
        with _any_script():
            self.figure().savefig(buffer, format="png")
        return buffer.getvalue()

    def save(self, path: Path) -> None:
        """Write the drawing as a PNG file, atomically."""
        save_figure(self.figure(), path)

    def _repr_html_(self) -> str:
        return self.svg()


def as_svg(figure: Figure) -> str:
    """Return a matplotlib figure as SVG markup for a page: no fonts, text in the page's colour, no date."""
    buffer = io.StringIO()
    figure.patch.set_alpha(0)
    for axis in figure.axes:
        axis.patch.set_alpha(0)
    # With text as text, the SVG is smaller and a search in the page finds it.
    with _SETTINGS, matplotlib.rc_context({"svg.fonttype": "none"}), _any_script():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    return svg[svg.index("<svg") :]


def save_figure(figure: Figure, path: Path) -> None:
    """Write a matplotlib figure as a PNG file, atomically."""
    with replacing(path) as temporary, _any_script():
        figure.savefig(temporary, format="png", dpi=120)


SCRIPTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "WenQuanYi Zen Hei", "Hiragino Sans", "Arial Unicode MS", "Yu Gothic",
    "Microsoft YaHei", "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Devanagari", "Segoe UI Emoji",
)  # fmt: skip
"""Fonts with scripts that matplotlib's own font lacks; the installed ones are used as a fallback."""


@cache
def _fallback_fonts() -> list[str]:
    """Return those of SCRIPTS that are installed."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return [name for name in SCRIPTS if name in installed]


@contextlib.contextmanager
def _any_script() -> Iterator[None]:
    """Silence the warning about each character that no installed font has; it is drawn as a box."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")
        yield


def shorten(name: str, length: int = 18) -> str:
    """Return a class name cut to a label's length; dollar signs are escaped, so that they do not start a formula."""
    return (name if len(name) <= length else name[: length - 1] + "…").replace("$", r"\$")


def shortened(names: Sequence[str], length: int = 18) -> list[str]:
    """Return names that fit labels and still differ, see `text.shortened`; dollar signs are escaped."""
    return [name.replace("$", r"\$") for name in text.shortened(names, length)]


def plain(axis: Axes) -> None:
    """Draw faint horizontal lines, and no frame except the bottom line; labels are smaller and greyer than text."""
    axis.set_axisbelow(True)
    axis.grid(axis="y", color=MARK, alpha=0.22, linewidth=0.8)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.spines["bottom"].set_color(MARK)
    axis.tick_params(length=0, labelsize=9)
    for label in (axis.xaxis.label, axis.yaxis.label):
        label.set_fontsize(9)


def headed(axis: Axes, title: str) -> None:
    """Write a title above an axis, at its left."""
    axis.set_title(title, fontsize=10.5, fontweight="bold", loc="left", pad=10)

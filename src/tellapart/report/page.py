"""The page about a run: one self-contained HTML file, put together from the sections in this room."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from tellapart import leaves
from tellapart.files import write_text

SECTIONS = "tellapart.report.sections"
_ROOM = Path(__file__).parent
_ENVIRONMENT = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True, eq=False)
class Facts:
    """All that a report may say: `record` is run.json's content; `layers` the network's summary, a dict a layer.

    `pictures` are a few prepared training pictures, uint8 [height, width, channels] each, with their class names.
    """

    record: dict[str, Any]
    history: Sequence[dict[str, float]]
    layers: Sequence[dict[str, Any]]
    pictures: Sequence[np.ndarray]
    labels: Sequence[str]

    @property
    def headline(self) -> dict[str, Any] | None:
        """The evaluation that counts: of the test part, else of validation, else none."""
        found = self.record["evaluation"]
        return found.get("test") or found.get("validation")


def write_report(facts: Facts, path: Path) -> None:
    """Write the page, wholly or not at all."""
    modules = [leaves.load(SECTIONS, name, "a section") for name in leaves.names(SECTIONS)]
    sections = [(module.TITLE, module.render(facts)) for module in sorted(modules, key=lambda module: module.POSITION)]
    page = html(
        (_ROOM / "page.html").read_text(encoding="utf-8"),
        name=path.parent.name,
        style=Markup((_ROOM / "page.css").read_text(encoding="utf-8")),  # noqa: S704  # our own file
        sections=[(title, body) for title, body in sections if body],
    )
    write_text(path, page)


def html(template: str, **values: Any) -> Markup:
    """A template filled in; every value is escaped unless it is Markup."""
    return Markup(_ENVIRONMENT.from_string(template).render(**values))  # noqa: S704  # autoescape is on


def picture(figure: Figure, description: str) -> Markup:
    """A figure as SVG inside the page, with words for those who do not see it."""
    buffer = io.StringIO()
    figure.patch.set_alpha(0)
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    svg = buffer.getvalue()
    drawing = Markup(svg[svg.index("<svg") :])  # noqa: S704  # matplotlib escapes the text in it
    return html('<figure role="img" aria-label="{{ words }}">{{ svg }}</figure>', words=description, svg=drawing)

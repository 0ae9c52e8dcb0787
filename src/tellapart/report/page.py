"""Self-contained HTML pages: their frame, templates, drawings, pictures, galleries and areas that scroll."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
from markupsafe import Markup, escape

from tellapart.files import plain_name
from tellapart.images.write import EXACT, as_file
from tellapart.plots.plot import Plot
from tellapart.text import counted, percent, percent_range, probability
from tellapart.training.places import without_folders

_FOLDER = Path(__file__).parent

FILTERS: dict[str, Any] = {
    "percent": lambda share, *options: "–" if share is None else percent(share, *options),
    "percent_range": percent_range,
    "probability": probability,
    "counted": counted,
    "thousands": lambda value: f"{value:,}",
}
"""The filters of all templates."""

_ENVIRONMENT = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_ENVIRONMENT.filters.update(FILTERS)


def kept_together(text: object) -> str:
    """Return a text in which no line ends between a number and its percent sign."""
    return str(text).replace(" %", "\u00a0%")


_TO_THE_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff\U00010800-\U00010fff\U0001e800-\U0001efff"
"""Letters that are written from right to left, such as Hebrew and Arabic."""

_FOREIGN = re.compile(f"[{_TO_THE_LEFT}](?:[^A-Za-z0-9&<>()%.,;:]*[{_TO_THE_LEFT}])*")
"""Words from the first to the last such letter, without what surely belongs to the sentence around them."""


def sentence(text: object) -> Markup:
    """Return a sentence for the page: see `kept_together`; names written from right to left do not reorder the rest."""
    safe = str(escape(kept_together(text)))
    return Markup(_FOREIGN.sub(lambda found: f"<bdi>{found[0]}</bdi>", safe))  # noqa: S704  # escaped above


def file_name(key: str) -> Markup:
    """Return the name of a file for the page, without folders of this machine, and in order whatever its letters."""
    return html('<bdi dir="ltr">{{ name }}</bdi>', name=without_folders(key))


_ENVIRONMENT.filters.update(
    {
        "sentence": sentence,
        "file_name": file_name,
        "percent": lambda *values: kept_together(FILTERS["percent"](*values)),
        "percent_range": lambda interval: kept_together(percent_range(interval)),
        "probability": lambda value: kept_together(probability(value)),
    }
)
_compiled = cache(_ENVIRONMENT.from_string)


def html(template: str, **values: Any) -> Markup:
    """Return a template with its values filled in. Every value is escaped unless it is Markup."""
    return Markup(_compiled(template).render(**values))  # noqa: S704  # autoescape is on


def page(name: str, kind: str, sections: Sequence[tuple[str, Markup]], about: str = "", more_style: str = "") -> Markup:
    """Return a page with the heading `name`, `kind` above it in small type, and sections of a title and a body each.

    `about` is a line below the heading. Links at the top lead to the sections, each by its `anchor`. `more_style` is
    CSS of our own that only this page needs.
    """
    return html(
        (_FOLDER / "page.html").read_text(encoding="utf-8"),
        name=name,
        kind=kind,
        about=about,
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8") + more_style),  # noqa: S704  # our own files
        sections=[(anchor(title), title, body) for title, body in sections],
    )


def anchor(title: str) -> str:
    """Return the id of the section with this title, for links such as `#learning-curves`."""
    return plain_name(title).lower()


def drawing(plot: Plot, description: str) -> Markup:
    """Return a drawing for the page, with a description for screen readers."""
    svg = Markup(plot.svg())  # noqa: S704  # matplotlib escapes the text in it
    return html(
        '<figure class="plot" role="img" aria-label="{{ label }}">{{ svg }}</figure>', label=description, svg=svg
    )


def picture(pixels: np.ndarray, description: str, side: int | None = None) -> Markup:
    """Return a picture uint8 [height, width, 1 or 3] for the page, with a description for screen readers.

    `side` is the length of its longer side on the page, in CSS pixels; by default it is that of the picture. Small
    pictures are enlarged pixel by pixel.
    """
    data, kind = as_file(pixels)
    height, width = pixels.shape[:2]
    scale = (side or max(height, width)) / max(height, width)
    return html(
        '<img {% if coarse %}class="coarse" {% endif %}src="{{ address }}" alt="{{ alt }}" width="{{ width }}" '
        'height="{{ height }}">',
        address=f"data:{kind};base64,{base64.b64encode(data).decode()}",
        alt=description,
        coarse=max(height, width) <= EXACT,
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
    )


def gallery(pictures: Sequence[tuple[Markup, str | Markup]], kind: str = "") -> Markup:
    """Return pictures with captions in rows that adapt to the width of the page; `kind` may be "large"."""
    return html(
        '<div class="gallery {{ kind }}">{% for picture, caption in pictures %}<figure>{{ picture }}'
        "<figcaption>{{ caption }}</figcaption></figure>{% endfor %}</div>",
        pictures=pictures,
        kind=kind,
    )


def scroll(label: str, content: Markup, kind: str = "") -> Markup:
    """Return an area that scrolls to the side where the page is too narrow for it, also with the keyboard.

    `label` names it for screen readers. The first column of a table in it stays in view.
    """
    return html(
        '<div class="scroll {{ kind }}" tabindex="0" role="region" aria-label="{{ label }}">{{ content }}</div>',
        label=label,
        content=content,
        kind=kind,
    )

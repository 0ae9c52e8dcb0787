"""The page about a run: one self-contained HTML file, put together from the sections in this room."""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import numpy as np
from markupsafe import Markup

from tellapart import leaves
from tellapart.files import write_text
from tellapart.images.write import EXACT, as_file
from tellapart.plots.plot import Plot
from tellapart.text import counted, near_one

if TYPE_CHECKING:
    from tellapart.evaluation.evaluation import Evaluation, Mistake

SECTIONS = "tellapart.report.sections"
_ROOM = Path(__file__).parent
_ENVIRONMENT = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_CARDS = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # not HTML
for _environment in (_ENVIRONMENT, _CARDS):
    _environment.filters["percent"] = lambda value, digits=2: "-" if value is None else f"{100 * value:.{digits}f} %"
    _environment.filters["counted"] = counted
    _environment.filters["near_one"] = near_one
    _environment.filters["thousands"] = lambda value: f"{value:,}"


def _plain(text: object) -> str:
    """Words of a person's, such as a class name, inside Markdown: nothing in them is markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|&$~])", r"\\\1", " ".join(str(text).split()))


_CARDS.filters["plain"] = _plain


@dataclass(frozen=True, eq=False)
class Seen:
    """A mistake, the picture as the network saw it, uint8 [height, width, 1 or 3], and the same under a heat map."""

    mistake: Mistake
    picture: np.ndarray
    heat: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """All that a report may say: `record` is run.json's content; `layers` the network's summary, a dict a layer.

    `pictures` are a few prepared training pictures, uint8 [height, width, channels] each, with their class names;
    `evaluation` is the one that counts: of the test split, else of validation, else none; `mistakes` are its most
    confident ones. `has_ood_detector` is whether the model can call a picture unfamiliar.
    """

    record: dict[str, Any]
    history: Sequence[dict[str, float]]
    layers: Sequence[dict[str, Any]]
    pictures: Sequence[np.ndarray]
    labels: Sequence[str]
    evaluation: Evaluation | None = None
    mistakes: Sequence[Seen] = ()
    has_ood_detector: bool = False

    @property
    def command(self) -> str:
        """The command that trains the same again."""
        options = self.record["options"]
        words = ["tellapart", "train", options["data"], "--recipe", options["recipe"]]
        for name in (
            "epochs",
            "minutes",
            "seed",
            "validation",
            "test",
            "group",
            "folds",
            "max_error_rate",
        ):
            if options.get(name) is not None:
                words += [f"--{name.replace('_', '-')}", str(options[name])]
        words += [
            "--precision",
            self.record["precision"],
            *(["--deterministic"] if options.get("deterministic") else []),
        ]
        if options.get("classes"):
            words += ["--classes", str(options["classes"]) if isinstance(options["classes"], str) else "CLASSES.txt"]
        changed = options.get("set") or []
        for item in changed if isinstance(changed, list) else _assignments(changed):
            words += ["--set", str(item)]
        return shlex.join(words)


def _assignments(changes: dict[str, Any], parent: str = "") -> Iterator[str]:
    """Changes to a recipe as --set takes them."""
    for name, value in changes.items():
        if isinstance(value, dict):
            yield from _assignments(value, f"{parent}{name}.")
        else:
            yield f"{parent}{name}={'none' if value is None else value}"


def write_report(facts: Facts, folder: Path) -> None:
    """Write report.html, the page, and report.md, the model card, into a run's folder, each wholly or not at all."""
    modules = [leaves.load(SECTIONS, name, "a section") for name in leaves.names(SECTIONS)]
    sections = [(module.TITLE, module.render(facts)) for module in sorted(modules, key=lambda module: module.POSITION)]
    written = page(folder.name, "tellapart report", [(title, body) for title, body in sections if body])
    write_text(folder / "report.html", written)
    write_text(folder / "report.md", card(facts, folder.name))


def page(name: str, kind: str, sections: Sequence[tuple[str, Markup]]) -> Markup:
    """A page of sections, a title and a body each, about something of a name; `kind` stands above the name."""
    return html(
        (_ROOM / "page.html").read_text(encoding="utf-8"),
        name=name,
        kind=kind,
        style=Markup((_ROOM / "page.css").read_text(encoding="utf-8")),  # noqa: S704  # our own file
        sections=sections,
    )


def card(facts: Facts, name: str) -> str:
    """The model card in Markdown: plain words, made from the run's facts only."""
    template = _CARDS.from_string((_ROOM / "card.md").read_text(encoding="utf-8"))
    found = facts.evaluation
    rows = sorted((row for row in found.per_class() if row["count"]), key=lambda row: row["f1"]) if found else []
    return template.render(
        name=name,
        record=facts.record,
        layers=facts.layers,
        found=found,
        rest=found.without_leaks() if found else None,
        rows=rows,
        command=facts.command,
        has_ood_detector=facts.has_ood_detector,
    )


def html(template: str, **values: Any) -> Markup:
    """A template filled in; every value is escaped unless it is Markup."""
    return Markup(_ENVIRONMENT.from_string(template).render(**values))  # noqa: S704  # autoescape is on


def drawing(plot: Plot, description: str) -> Markup:
    """A drawing inside the page, with words for those who do not see it."""
    svg = Markup(plot.svg())  # noqa: S704  # matplotlib escapes the text in it
    return html('<figure role="img" aria-label="{{ words }}">{{ svg }}</figure>', words=description, svg=svg)


def picture(pixels: np.ndarray, description: str) -> Markup:
    """A picture uint8 [height, width, 1 or 3] inside the page, with words for those who do not see it."""
    data, kind = as_file(pixels)
    address = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    coarse = max(pixels.shape[:2]) <= EXACT  # enlarged pixel by pixel
    return html(
        '<img {% if coarse %}class="coarse" {% endif %}src="{{ address }}" alt="{{ words }}" loading="lazy">',
        address=address,
        words=description,
        coarse=coarse,
    )


def gallery(pictures: Sequence[tuple[Markup, str]], kind: str = "") -> Markup:
    """Pictures in rows that follow the width of the page, with words below each; `kind` may be "large"."""
    return html(
        '<div class="gallery {{ kind }}">{% for shown, words in pictures %}<figure>{{ shown }}'
        "<figcaption>{{ words }}</figcaption></figure>{% endfor %}</div>",
        pictures=pictures,
        kind=kind,
    )

"""The report of a run: a self-contained HTML page made of the sections in this folder, and a model card in Markdown."""

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
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.evaluation.mistake import Mistake

SECTIONS = "tellapart.report.sections"
_FOLDER = Path(__file__).parent


def _percent(share: float | None, digits: int = 2) -> str:
    """Return a share as `95.00 %`, or `-` for None."""
    return "-" if share is None else f"{100 * share:.{digits}f} %"


_ENVIRONMENT = jinja2.Environment(
    autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_CARDS = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # not HTML
for _environment in (_ENVIRONMENT, _CARDS):
    _environment.filters["percent"] = _percent
    _environment.filters["counted"] = counted
    _environment.filters["near_one"] = near_one
    _environment.filters["thousands"] = lambda value: f"{value:,}"


def _plain(text: object) -> str:
    """Escape a user's text, such as a class name, for Markdown, so that nothing in it acts as markup."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|&$~])", r"\\\1", " ".join(str(text).split()))


_CARDS.filters["plain"] = _plain


@dataclass(frozen=True, eq=False)
class ShownMistake:
    """A mistake, the preprocessed picture uint8 [height, width, 1 or 3], and the same picture under a heat map."""

    mistake: Mistake
    picture: np.ndarray
    heat: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Facts:
    """What the report and the model card are made from.

    `record` is the content of run.json, `layers` has one dict per layer of the network. `pictures` are a few
    preprocessed training pictures, uint8 [height, width, channels] each, and `labels` their class names. `evaluation`
    is that of the test split, else of the validation split, else None; `mistakes` are its most confident ones.
    `has_ood_detector` is whether the model can flag a picture as out-of-distribution.
    """

    record: dict[str, Any]
    history: Sequence[dict[str, float]]
    layers: Sequence[dict[str, Any]]
    pictures: Sequence[np.ndarray]
    labels: Sequence[str]
    evaluation: Evaluation | None = None
    mistakes: Sequence[ShownMistake] = ()
    has_ood_detector: bool = False

    @property
    def command(self) -> str:
        """The command that repeats the training."""
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
        changes = options.get("set") or []
        for item in changes if isinstance(changes, list) else _assignments(changes):
            words += ["--set", str(item)]
        return shlex.join(words)

    @property
    def warnings(self) -> list[str]:
        """Why the metrics may be optimistic, one sentence each."""
        evaluation, sentences = self.evaluation, []
        if evaluation is None:
            return []
        if evaluation.split != "test" and not evaluation.folds:
            sentences.append(
                "No test split: all metrics below come from pictures that were also used to select the model, so they "
                "are optimistic."
            )
        if count := self.record["split"].get("groups_across_splits", {}).get(evaluation.split):
            sentences.append(
                f"{count:,} of these pictures belong to groups that also occur in training (the data's own split was "
                "kept), so the metrics may be optimistic."
            )
        if evaluation.leaked is not None:
            leakage = (
                f"{evaluation.leaked.sum():,} of these pictures are duplicates or near-duplicates of training pictures."
            )
            if rest := evaluation.without_leaks():
                low, high = map(_percent, rest["accuracy_interval"])
                leakage += f" Without them the accuracy is {_percent(rest['accuracy'])} ({low} to {high})."
            sentences.append(leakage)
        return sentences

    @property
    def remarks(self) -> list[str]:
        """How to read the metrics, one paragraph each."""
        evaluation, paragraphs = self.evaluation, []
        if evaluation is None:
            return []
        if evaluation.folds:
            low, high = _percent(min(evaluation.folds)), _percent(max(evaluation.folds))
            paragraphs.append(
                f"Cross-validation: {len(evaluation.folds)} models, each evaluated on its held-out fold "
                f"(accuracy {low} to {high}). The saved model was trained on all of these pictures."
            )
        return paragraphs + [f"Note: {caveat}." for caveat in evaluation.caveats]


def _assignments(changes: dict[str, Any], parent: str = "") -> Iterator[str]:
    """Yield changes to a recipe in the form that --set takes."""
    for name, value in changes.items():
        if isinstance(value, dict):
            yield from _assignments(value, f"{parent}{name}.")
        else:
            yield f"{parent}{name}={'none' if value is None else value}"


def write_report(facts: Facts, folder: Path) -> None:
    """Write the report, report.html, and the model card, report.md, into a run's folder; each file atomically."""
    modules = [leaves.load(SECTIONS, name, "a section") for name in leaves.names(SECTIONS)]
    sections = [(module.TITLE, module.render(facts)) for module in sorted(modules, key=lambda module: module.POSITION)]
    report = page(folder.name, "tellapart report", [(title, body) for title, body in sections if body])
    write_text(folder / "report.html", report)
    write_text(folder / "report.md", card(facts, folder.name))


def page(name: str, kind: str, sections: Sequence[tuple[str, Markup]], more_style: str = "") -> Markup:
    """Return a page with the heading `name`, `kind` above it in small type, and sections of a title and a body each.

    `more_style` is CSS of our own that only this page needs.
    """
    return html(
        (_FOLDER / "page.html").read_text(encoding="utf-8"),
        name=name,
        kind=kind,
        style=Markup((_FOLDER / "page.css").read_text(encoding="utf-8") + more_style),  # noqa: S704  # our own files
        sections=sections,
    )


def card(facts: Facts, name: str) -> str:
    """Return the model card in Markdown."""
    template = _CARDS.from_string((_FOLDER / "card.md").read_text(encoding="utf-8"))
    rows = [row for row in facts.evaluation.per_class() if row["count"]] if facts.evaluation else []
    return template.render(
        name=name,
        record=facts.record,
        layers=facts.layers,
        evaluation=facts.evaluation,
        warnings=facts.warnings,
        remarks=facts.remarks,
        rows=sorted(rows, key=lambda row: row["f1"]),
        command=facts.command,
        has_ood_detector=facts.has_ood_detector,
    )


def html(template: str, **values: Any) -> Markup:
    """Return a template with its values filled in. Every value is escaped unless it is Markup."""
    return Markup(_ENVIRONMENT.from_string(template).render(**values))  # noqa: S704  # autoescape is on


def drawing(plot: Plot, description: str) -> Markup:
    """Return a drawing for the page, with a description for screen readers."""
    svg = Markup(plot.svg())  # noqa: S704  # matplotlib escapes the text in it
    return html('<figure role="img" aria-label="{{ label }}">{{ svg }}</figure>', label=description, svg=svg)


def picture(pixels: np.ndarray, description: str) -> Markup:
    """Return a picture uint8 [height, width, 1 or 3] for the page, with a description for screen readers."""
    data, kind = as_file(pixels)
    address = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    coarse = max(pixels.shape[:2]) <= EXACT  # enlarged pixel by pixel
    return html(
        '<img {% if coarse %}class="coarse" {% endif %}src="{{ address }}" alt="{{ alt }}" loading="lazy">',
        address=address,
        alt=description,
        coarse=coarse,
    )


def gallery(pictures: Sequence[tuple[Markup, str]], kind: str = "") -> Markup:
    """Return pictures with captions in rows that adapt to the width of the page; `kind` may be "large"."""
    return html(
        '<div class="gallery {{ kind }}">{% for picture, caption in pictures %}<figure>{{ picture }}'
        "<figcaption>{{ caption }}</figcaption></figure>{% endfor %}</div>",
        pictures=pictures,
        kind=kind,
    )

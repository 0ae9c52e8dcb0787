"""Write the report of a run, an HTML page made of the sections in this folder, and its model card in Markdown."""

from __future__ import annotations

import re
from pathlib import Path

import jinja2

from tellapart import leaves
from tellapart.files import write_text
from tellapart.report.facts import Facts
from tellapart.report.page import FILTERS, page

SECTIONS = "tellapart.report.sections"
_FOLDER = Path(__file__).parent

_CARDS = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)  # noqa: S701  # not HTML


def write_report(facts: Facts, folder: Path) -> None:
    """Write the report, report.html, and the model card, report.md, into a run's folder; each file atomically."""
    modules = [leaves.load(SECTIONS, name, "a section") for name in leaves.names(SECTIONS)]
    sections = [(module.TITLE, module.render(facts)) for module in sorted(modules, key=lambda module: module.POSITION)]
    data = facts.record["data"]
    about = f"{data['name']} · {data['pictures']:,} pictures · {len(data['classes']):,} classes"
    report = page(folder.name, "tellapart report", [(title, body) for title, body in sections if body], about)
    write_text(folder / "report.html", report)
    write_text(folder / "report.md", card(facts, folder.name))


def card(facts: Facts, name: str) -> str:
    """Return the model card in Markdown."""
    template = _CARDS.from_string((_FOLDER / "card.md").read_text(encoding="utf-8"))
    rows = [row for row in facts.class_rows if row["count"]]
    return template.render(
        name=name,
        record=facts.record,
        layers=facts.layers,
        evaluation=facts.evaluation,
        unseen=facts.unseen,
        warnings=facts.warnings,
        remarks=facts.remarks,
        rows=sorted(rows, key=lambda row: row["f1"]),
        command=facts.command,
        has_ood_detector=facts.has_ood_detector,
    )


_ALWAYS = re.compile(r"[\\`*\[\]<>|$~]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w+;)")
"""Characters that act as markup wherever they are in a line; an underscore only at the edge of a word."""

_AT_START = re.compile(r"^(?:([#+-])(?=[#\s]|$)|(\d+)([.)])(?=\s|$))")
"""What starts a heading or a list at the start of a line."""


def plain(text: object) -> str:
    """Escape a text, such as a class name, for Markdown, so that nothing in it acts as markup, and nothing else."""
    line = _ALWAYS.sub(r"\\\g<0>", " ".join(str(text).split()))
    return _AT_START.sub(lambda found: f"\\{found[1]}" if found[1] else f"{found[2]}\\{found[3]}", line)


_CARDS.filters.update(FILTERS | {"plain": plain})

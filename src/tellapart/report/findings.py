"""The page about a collection's faults: one self-contained HTML file, a section a check, with the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from markupsafe import Markup

from tellapart.data.finding import Checked, Finding
from tellapart.files import write_text
from tellapart.images.look import Look
from tellapart.report.page import gallery, html, page, picture

SHOWN = 24
"""So many findings of a check are shown with their pictures, and five times so many in words."""

_TEMPLATE = """
<p>{{ doc }} {{ count | thousands }} found.</p>
{{ shown }}
{% if rest %}<details><summary>{{ rest | length }} more</summary><ul>
{% for words in rest %}<li>{{ words }}</li>{% endfor %}</ul></details>{% endif %}
"""


def write_findings(checked: Checked, found: Sequence[tuple[ModuleType, Sequence[Finding]]], path: Path) -> None:
    """Write the page, wholly or not at all."""
    collection = checked.collection
    sections = [("What was looked at", _summary(checked, found))]
    sections += [(module.TITLE, _section(checked, module, findings)) for module, findings in found if findings]
    write_text(path, page(collection.name, "tellapart check", sections))


def _summary(checked: Checked, found: Sequence[tuple[ModuleType, Sequence[Finding]]]) -> Markup:
    collection = checked.collection
    return html(
        "<p>{{ name }}: {{ count | thousands }} pictures, {{ classes }} classes.</p><table><tbody>"
        "{% for title, n in rows %}<tr><td>{{ title }}</td><td class='number'>{{ n | thousands }}</td></tr>{% endfor %}"
        "</tbody></table>",
        name=collection.name,
        count=len(collection),
        classes=len(collection.class_names),
        rows=[(module.TITLE, len(findings)) for module, findings in found],
    )


def _section(checked: Checked, module: ModuleType, findings: Sequence[Finding]) -> Markup:
    shown = [(_pictures(checked, finding), finding.words) for finding in findings[:SHOWN]]
    rest = [finding.words for finding in findings[SHOWN : 6 * SHOWN]]
    doc = (module.__doc__ or "").split("\n")[0]
    return html(_TEMPLATE, doc=doc, count=len(findings), shown=gallery(shown), rest=rest)


def _pictures(checked: Checked, finding: Finding) -> Markup:
    """Small copies of at most four of the pictures that a finding is about."""
    looks = [checked.inspection.looks[i] for i in finding.pictures[:4]]
    return Markup("").join(picture(seen.thumbnail, finding.words) for seen in looks if isinstance(seen, Look))

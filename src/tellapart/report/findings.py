"""The page about a collection's faults: one self-contained HTML file, a section a check, with the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from markupsafe import Markup

from tellapart.data.finding import Checked, Finding
from tellapart.errors import TellapartError
from tellapart.files import write_text
from tellapart.images.look import Look
from tellapart.images.write import within
from tellapart.report.page import gallery, html, page, picture

SHOWN = 24
"""So many findings of a check are shown with their pictures, and five times so many in words."""

SIDE = 144
"""Pixels along the longer side of a picture on the page."""

_TEMPLATE = """
<p>{{ doc }} {{ count | thousands }} found.</p>
{% if unseen %}<ul>
{% for words in unseen %}<li>{{ words }}</li>{% endfor %}</ul>{% endif %}
{{ shown }}
{% if rest %}<details><summary>{{ more }}</summary><ul>
{% for words in rest %}<li>{{ words }}</li>{% endfor %}</ul></details>{% endif %}
"""


def write_findings(
    checked: Checked, found: Sequence[tuple[ModuleType, Sequence[Finding]]], missing: Sequence[str], path: Path
) -> None:
    """Write the page, wholly or not at all; `missing` are sentences about what was not looked for."""
    collection = checked.collection
    sections = [("What was looked at", _summary(checked, found))]
    if missing:
        items = "<ul>{% for words in missing %}<li>{{ words }}</li>{% endfor %}</ul>"
        sections.append(("What was not, or not in full", html(items, missing=missing)))
    sections += [(module.TITLE, _section(checked, module, findings)) for module, findings in found if findings]
    write_text(path, page(collection.name, "tellapart check", sections))


def _summary(checked: Checked, found: Sequence[tuple[ModuleType, Sequence[Finding]]]) -> Markup:
    collection = checked.collection
    return html(
        "<p>{{ name }}: {{ count | thousands }} pictures, {{ classes }} classes.</p>"
        "{% for note in notes %}<p>Note: {{ note }}.</p>{% endfor %}<table><tbody>"
        "{% for title, n in rows %}<tr><td>{{ title }}</td><td class='number'>{{ n | thousands }}</td></tr>{% endfor %}"
        "</tbody></table>",
        name=collection.name,
        count=len(collection),
        classes=len(collection.class_names),
        notes=collection.notes,
        rows=[(module.TITLE, len(findings)) for module, findings in found],
    )


def _section(checked: Checked, module: ModuleType, findings: Sequence[Finding]) -> Markup:
    first = [(_pictures(checked, finding), finding.words) for finding in findings[:SHOWN]]
    unseen = [words for pictures, words in first if not pictures]
    shown = [(pictures, words) for pictures, words in first if pictures]
    rest = [finding.words for finding in findings[SHOWN : 6 * SHOWN]]
    left = max(0, len(findings) - SHOWN)
    more = f"{left:,} more" if left == len(rest) else f"{len(rest):,} of {left:,} more; --json gives all"
    doc = (module.__doc__ or "").split("\n")[0]
    return html(
        _TEMPLATE,
        doc=doc,
        count=len(findings),
        unseen=unseen,
        shown=gallery(shown, "large") if shown else "",
        rest=rest,
        more=more,
    )


def _pictures(checked: Checked, finding: Finding) -> Markup:
    """At most four of the pictures that a finding is about, beside each other; empty where there are none."""
    seen = [(i, checked.inspection.looks[i]) for i in finding.pictures[:4]]
    images = [picture(_copy(checked, i, one), finding.words) for i, one in seen if isinstance(one, Look)]
    return html('<div class="row">{{ images }}</div>', images=Markup("").join(images)) if images else Markup("")


def _copy(checked: Checked, index: int, seen: Look) -> np.ndarray:
    """A copy of a picture for the page, uint8 [height, width, 1 or 3], no larger than SIDE."""
    try:
        return within(checked.collection.read(index, least=(SIDE, SIDE)), SIDE)
    except (TellapartError, OSError):  # it was there a moment ago
        return seen.thumbnail

"""The check page of a collection: a self-contained HTML file with one section per check and the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import numpy as np
from markupsafe import Markup

from tellapart.data.finding import Checked, Finding
from tellapart.errors import TellapartError
from tellapart.files import write_text
from tellapart.images.summary import PictureSummary
from tellapart.images.write import within
from tellapart.report.page import gallery, html, page, picture

SHOWN = 24
"""Number of findings per check that are shown with pictures; five times as many more are listed in words."""

SIDE = 144
"""Longer side of a picture on the page, in pixels."""

_TEMPLATE = """
<p>{{ description }} Found: {{ count | thousands }}.</p>
{% if without_pictures %}<ul>
{% for words in without_pictures %}<li>{{ words }}</li>{% endfor %}</ul>{% endif %}
{{ pictures }}
{% if rest %}<details><summary>{{ more }}</summary><ul>
{% for words in rest %}<li>{{ words }}</li>{% endfor %}</ul></details>{% endif %}
"""


Results = Sequence[tuple[ModuleType, Sequence[Finding]]]
"""The checks in the order of the page, each with its findings."""


def write_findings(checked: Checked, results: Results, missing: Sequence[str], path: Path) -> None:
    """Write the page atomically. `missing` are sentences about what was not checked, or only in part."""
    sections = [("Summary", _summary(checked, results))]
    if missing:
        items = "<ul>{% for words in missing %}<li>{{ words }}</li>{% endfor %}</ul>"
        sections.append(("Not checked, or only in part", html(items, missing=missing)))
    sections += [(check.TITLE, _section(checked, check, findings)) for check, findings in results if findings]
    write_text(path, page(checked.collection.name, "tellapart check", sections))


def _summary(checked: Checked, results: Results) -> Markup:
    """Return the size of the collection, the notes about it, and the number of findings of each check."""
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
        rows=[(check.TITLE, len(findings)) for check, findings in results],
    )


def _section(checked: Checked, check: ModuleType, findings: Sequence[Finding]) -> Markup:
    """Return a check's description and its findings: the first with pictures, others in words."""
    first = [(_pictures(checked, finding), finding.words) for finding in findings[:SHOWN]]
    with_pictures = [(pictures, words) for pictures, words in first if pictures]
    rest = [finding.words for finding in findings[SHOWN : 6 * SHOWN]]
    left = max(0, len(findings) - SHOWN)
    more = f"{left:,} more" if left == len(rest) else f"{len(rest):,} of {left:,} more; --json lists all"
    return html(
        _TEMPLATE,
        description=(check.__doc__ or "").split("\n")[0],
        count=len(findings),
        without_pictures=[words for pictures, words in first if not pictures],
        pictures=gallery(with_pictures, "large") if with_pictures else "",
        rest=rest,
        more=more,
    )


def _pictures(checked: Checked, finding: Finding) -> Markup:
    """Return up to four readable pictures of a finding, side by side; empty if there are none."""
    measured = [(i, checked.inspection.summaries[i]) for i in finding.pictures[:4]]
    images = [
        picture(_copy(checked, i, look), finding.words) for i, look in measured if isinstance(look, PictureSummary)
    ]
    return html('<div class="row">{{ images }}</div>', images=Markup("").join(images)) if images else Markup("")


def _copy(checked: Checked, index: int, look: PictureSummary) -> np.ndarray:
    """Return a copy of a picture for the page, uint8 [height, width, 1 or 3], with sides of at most SIDE pixels."""
    try:
        return within(checked.collection.read(index, least=(SIDE, SIDE)), SIDE)
    except (TellapartError, OSError):  # the file was changed or removed during the check
        return look.thumbnail

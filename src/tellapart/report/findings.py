"""The check page of a collection: a self-contained HTML file with one section per check and the pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from markupsafe import Markup

from tellapart.data.finding import NAMED, Checked, CheckResult, CleanList, Finding
from tellapart.errors import TellapartError
from tellapart.files import write_text
from tellapart.images.summary import PictureSummary
from tellapart.images.write import EXACT, within
from tellapart.report.page import anchor, html, page, picture, scroll, sentence
from tellapart.text import counted, cut
from tellapart.training.places import without_folders

SIDE = 192
"""Longer side of a picture on the page, in CSS pixels."""

STORED = 256
"""Longer side of a stored picture: more than SIDE, for screens with more than one pixel per CSS pixel."""

IN_GROUP = 4
"""Pictures of a group of duplicates, for example, that are shown."""

IN_WORDS = 120
"""Findings beyond those with pictures that are listed in words."""

NAME, LONG_NAME = 25, 70
"""Letters of a file name under a picture, and in a list."""

EXAMPLES = 3
"""Findings that the summary in a notebook names for each check."""

_SUMMARY = """
<p class="big">{{ headline }}</p>
{% for note in notes %}<p>Note: {{ note | sentence }}.</p>{% endfor %}
{% if links %}<ul class="check-kinds">
{% for anchor, title, count in links %}<li><a href="#{{ anchor }}">{{ title }} <b>{{ count | thousands }}</b></a></li>
{% endfor %}</ul>{% endif %}
{% if empty %}<p class="soft">Nothing found: {{ empty | join(", ") }}.</p>{% endif %}
{% for words in remarks %}<p class="soft">{{ words | sentence }}</p>{% endfor %}
"""

_SECTION = """
<div class="check">
<p>{{ description }} Found: {{ count | thousands }}.{% if cleaned %} {{ cleaned }}{% endif %}</p>
{% if remark %}<p>{{ remark }}</p>{% endif %}
{% if plain %}<ul>{% for words in plain %}<li>{{ words }}</li>{% endfor %}</ul>{% endif %}
{% if cards %}<div class="check-cards">{{ cards }}</div>{% endif %}
{% if rest %}<details><summary>{{ more }}</summary><ul>
{% for words in rest %}<li>{{ words }}</li>{% endfor %}</ul></details>{% endif %}
</div>
"""

_CARD = """
<figure class="check-card{% if images | length > 1 %} check-group{% endif %}">
<div class="check-pictures">{% for image, name, tag in images %}<div class="check-picture">{{ image }}
<p class="check-name">{% if tag %}<b><bdi>{{ tag }}</bdi></b>{% endif %}{{ name }}</p></div>{% endfor %}</div>
{% if detail or left %}<figcaption>{{ detail }}{% if left %} <span class="soft">and {{ left | thousands }} more</span>
{%- endif %}</figcaption>{% endif %}

</figure>
"""

_CLEAN = """
<div class="check">
{% if clean.kinds %}
<p>A clean manifest is a table of the pictures without these problems. It {{ words }}. Your files stay as they are.</p>
{{ table }}
{% if manifest %}<p>It was written: <code>{{ manifest }}</code></p>
{% elif clean.page_command %}<p>Look at the pictures above first. This command writes it:</p>
<pre class="check-command">{{ clean.page_command }}</pre>
{% else %}<p>It cannot be written: {{ clean.problem }}.</p>{% endif %}
{% else %}<p>None of the findings changes a clean manifest: it would list every picture with its class.</p>{% endif %}
</div>
"""

_CHANGES = """
<table><thead><tr><th>found</th><th class="number">left out</th><th class="number">other class</th></tr></thead><tbody>
{% for title, dropped, moved in kinds %}<tr><th scope="row">{{ title }}</th>
<td class="number">{{ dropped | thousands }}</td><td class="number">{{ moved | thousands }}</td></tr>
{% endfor %}</tbody></table>
"""

_TABLE = """
<table><thead><tr><th style="text-align:left">{{ name | sentence }}: {{ size }}</th>
<th style="text-align:right">found</th><th style="text-align:left">for example</th></tr></thead><tbody>
{% for title, count, examples in rows %}<tr><td style="text-align:left">{{ title }}</td><td>{{ count | thousands }}</td>
<td style="text-align:left">{{ examples | sentence }}</td></tr>{% endfor %}
</tbody></table>
{% if empty %}<p>Nothing found: {{ empty | join(", ") }}.</p>{% endif %}
{% for words in missing %}<p>{{ words | sentence }}</p>{% endfor %}
"""


@dataclass(frozen=True, eq=False)
class CheckPage:
    """What the page shows.

    `missing` are sentences about what was not checked, or only in part. `clean` is what a clean manifest would change,
    `manifest` its file if it was written.
    """

    checked: Checked
    results: Sequence[CheckResult]
    missing: Sequence[str] = ()
    clean: CleanList = field(default_factory=CleanList)
    manifest: Path | None = None

    @property
    def found(self) -> list[CheckResult]:
        """The results with findings."""
        return [result for result in self.results if result.findings]

    @property
    def empty(self) -> list[str]:
        """The titles of the checks without findings, for a sentence."""
        return [result.title_inside for result in self.results if not result.findings]

    @property
    def remarks_without_findings(self) -> list[str]:
        """Why some checks found nothing."""
        return [result.remark.words for result in self.results if result.remark and not result.findings]

    @property
    def size(self) -> str:
        """The number of pictures and classes."""
        collection = self.checked.collection
        classes = counted(len(collection.class_names), "class", "classes")
        return f"{counted(len(collection), 'picture')}, {classes}"


def write_findings(facts: CheckPage, path: Path) -> None:
    """Write the page atomically."""
    sections = [("Summary", _summary(facts))]
    sections += [(result.title, _section(facts, result)) for result in facts.found]
    if facts.missing:
        items = '<ul class="check">{% for words in missing %}<li>{{ words | sentence }}</li>{% endfor %}</ul>'
        sections.append(("Not checked, or only in part", html(items, missing=facts.missing)))
    if facts.found:
        sections.append(("Clean manifest", _clean(facts)))
    style = (Path(__file__).parent / "findings.css").read_text(encoding="utf-8")
    write_text(path, page(facts.checked.collection.name, "tellapart check", sections, facts.size, style))


def findings_table(facts: CheckPage) -> Markup:
    """Return a compact table of the findings, for a notebook."""
    keys = facts.checked.collection.keys
    rows = [
        (result.title, len(result.findings), "; ".join(one.brief(keys, NAME) for one in result.findings[:EXAMPLES]))
        for result in facts.found
    ]
    return html(
        _TABLE, name=facts.checked.collection.name, size=facts.size, rows=rows, empty=facts.empty,
        missing=facts.missing,
    )  # fmt: skip


def _summary(facts: CheckPage) -> Markup:
    """Return the number of findings, links to their sections, and the checks without findings in a line."""
    total, collection = sum(len(result.findings) for result in facts.found), facts.checked.collection
    return html(
        _SUMMARY,
        headline=counted(total, "finding") if total else "Nothing found",
        notes=collection.notes,
        links=[(anchor(one.title), one.title, len(one.findings)) for one in facts.found],
        empty=facts.empty,
        remarks=facts.remarks_without_findings,
    )


def _section(facts: CheckPage, result: CheckResult) -> Markup:
    """Return a check's description and its findings: the first with pictures, others in words."""
    keys = facts.checked.collection.keys
    with_details = result.remark is None or not result.remark.says_details
    first = [(finding, _card(facts.checked, finding, with_details)) for finding in result.findings[: result.shown]]
    rest = result.findings[result.shown : result.shown + IN_WORDS]
    left = max(0, len(result.findings) - result.shown)
    return html(
        _SECTION,
        description=result.description,
        count=len(result.findings),
        cleaned=_cleaned(facts.clean, result.title),
        remark=sentence(result.remark.words) if result.remark else "",
        plain=[_in_words(finding, keys) for finding, card in first if card is None],
        cards=Markup("").join(card for _, card in first if card is not None),
        rest=[_in_words(finding, keys) for finding in rest],
        more=f"{left:,} more" if left == len(rest) else f"{len(rest):,} of {left:,} more; --json lists all",
    )


def _cleaned(clean: CleanList, title: str) -> str:
    """Return what a clean manifest does about the findings of a check, in a sentence; empty if nothing."""
    for kind, dropped, moved in clean.kinds:
        if kind == title:
            parts = [f"leaves out {counted(dropped, 'picture')}"] if dropped else []
            parts += [f"gives {counted(moved, 'picture')} another class"] if moved else []
            return f"A clean manifest {' and '.join(parts)} for this."
    return ""


def _in_words(finding: Finding, keys: Sequence[str]) -> Markup:
    """Return a finding in words, with the names of its pictures cut in the middle."""
    if not finding.pictures:
        return sentence(finding.words)
    tags = finding.tags or ("",) * len(finding.pictures)
    named = [(_name(keys[i], LONG_NAME), tag) for i, tag in zip(finding.pictures[:NAMED], tags, strict=False)]
    if len(named) == 1:
        return html("{{ name }}: {{ detail | sentence }}", name=named[0][0], detail=finding.detail or finding.words)
    return html(
        "{{ detail | sentence }}: {% for name, tag in named %}{{ name }}{% if tag %} (<bdi>{{ tag }}</bdi>){% endif %}"
        "{% if not loop.last %}, {% endif %}{% endfor %}{% if left > 0 %} and {{ left | thousands }} more{% endif %}",
        detail=finding.detail or finding.words,
        named=named,
        left=len(finding.pictures) - NAMED,
    )


def _name(key: str, length: int) -> Markup:
    """Return a file name that is cut in the middle; the full name appears under the mouse."""
    full = without_folders(key)
    return html('<bdi dir="ltr" title="{{ full }}">{{ short }}</bdi>', full=full, short=cut(full, length))


def _card(checked: Checked, finding: Finding, with_detail: bool) -> Markup | None:
    """Return up to four readable pictures of a finding with their names; None if there are none."""
    keys, tags = checked.collection.keys, finding.tags or ("",) * len(finding.pictures)
    images = [
        (_image(checked, i, summary, f"{without_folders(keys[i])}: {finding.detail}"), _name(keys[i], NAME), tag)
        for i, tag in list(zip(finding.pictures, tags, strict=False))[:IN_GROUP]
        if isinstance(summary := checked.inspection.summaries[i], PictureSummary)
    ]
    if not images:
        return None
    left = len(finding.pictures) - len(images)
    detail = sentence(finding.detail or finding.words) if with_detail else Markup("")
    return html(_CARD, images=images, detail=detail, left=left)


def _image(checked: Checked, index: int, summary: PictureSummary, description: str) -> Markup:
    """Return a picture for the page, its longer side SIDE pixels long; small ones are enlarged pixel by pixel."""
    pixels = _copy(checked, index, summary)
    longest = max(pixels.shape[:2])
    return picture(pixels, description, SIDE // longest * longest if longest <= EXACT else SIDE)


def _copy(checked: Checked, index: int, summary: PictureSummary) -> np.ndarray:
    """Return a copy of a picture for the page, uint8 [height, width, 1 or 3], with sides of at most STORED pixels."""
    try:
        return within(checked.collection.read(index, least=(STORED, STORED)), STORED)
    except (TellapartError, OSError):  # the file was changed or removed during the check
        return summary.thumbnail


def _clean(facts: CheckPage) -> Markup:
    """Return what a clean manifest would change, by kind, and the command that writes it."""
    words = facts.clean.words(len(facts.checked.collection))
    table = scroll("What a clean manifest changes", html(_CHANGES, kinds=facts.clean.kinds))
    manifest = without_folders(facts.manifest) if facts.manifest else ""
    return html(_CLEAN, clean=facts.clean, words=words, manifest=manifest, table=table)

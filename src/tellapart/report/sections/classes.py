"""The metrics of each class with their intervals."""

from markupsafe import Markup

from tellapart.evaluation.intervals import ENOUGH
from tellapart.report.facts import Facts
from tellapart.report.page import html, scroll

POSITION, TITLE = 50, "Classes"

ALL = 30
"""With more classes only the weakest ones are listed, and the others are folded."""

WEAKEST = 20
"""Classes that are listed first, if there are more than ALL."""

_TEMPLATE = """
{% if rest %}<p>The {{ weakest }} classes with the lowest F1:</p>{% endif %}
{{ table }}
{% if rest %}<details><summary>All {{ count | thousands }} classes</summary>{{ rest }}</details>{% endif %}
<p class="soft">Precision: the share of pictures predicted as this class that belong to it. Recall: the share of this
class's pictures that are predicted as it. F1: the harmonic mean of both. With fewer than {{ enough }} pictures of a
class, its metrics are too uncertain to use.</p>
"""

_TABLE = """
<table><thead><tr><th>class</th><th class="number">pictures</th><th class="number">precision</th>
<th class="number">recall</th><th class="number">F1</th><th class="number">F1, 95 % interval</th>
<th class="number">ROC AUC</th><th>most often confused with</th></tr></thead><tbody>
{% for row in rows %}<tr><th scope="row"><bdi>{{ row["class"] }}</bdi></th>
<td class="number">{{ row["count"] | thousands }}</td>
<td class="number">{{ row.precision | percent }}</td><td class="number">{{ row.recall | percent }}</td>
<td class="number">{{ row.f1 | percent }}</td>
<td class="number">{% if row.enough_pictures -%}
{{ row.f1_interval | percent_range }}{% else %}<span class="soft">too few pictures</span>{% endif %}</td>
<td class="number">{{ "%.3f" | format(row.roc_auc) if row.roc_auc is not none else "–" }}</td>
<td><bdi>{{ row.most_confused_with or "" }}</bdi></td></tr>{% endfor %}
</tbody></table>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    rows = facts.class_rows
    if not rows:
        return ""
    known = sorted((row for row in rows if row["f1"] is not None), key=lambda row: (row["f1"], -row["count"]))
    many = len(rows) > ALL
    return html(
        _TEMPLATE,
        table=_table("Metrics of the weakest classes", known[:WEAKEST]) if many else _table("Metrics by class", rows),
        rest=_table("Metrics of all classes", rows) if many else "",
        weakest=min(WEAKEST, len(known)),
        count=len(rows),
        enough=ENOUGH,
    )


def _table(label: str, rows: list[dict[str, object]]) -> Markup:
    return scroll(label, html(_TABLE, rows=rows))

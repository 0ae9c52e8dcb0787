"""What it confuses: the confusion matrix, and each class's count."""

import numpy as np

from tellapart.report.page import Facts, html, picture
from tellapart.report.plots import confusion_heat

POSITION, TITLE = 40, "Class by class"

_TEMPLATE = """
{{ matrix }}
<table><thead><tr><th>class</th><th class="number">pictures</th><th class="number">named rightly</th>
<th class="number">share</th><th class="number">taken for it</th></tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row["class"] }}</td><td class="number">{{ "{:,}".format(row["count"]) }}</td>
<td class="number">{{ "{:,}".format(row.correct) }}</td>
<td class="number">{{ "%.1f %%" | format(100 * row.correct / row['count']) if row['count'] else "" }}</td>
<td class="number">{{ "{:,}".format(row.predicted) }}</td></tr>{% endfor %}
</tbody></table>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    found = facts.headline
    if not found:
        return ""
    matrix = confusion_heat(np.array(found["confusion"]), found["classes"])
    return html(_TEMPLATE, matrix=picture(matrix, "Confusion matrix"), rows=found["per_class"])

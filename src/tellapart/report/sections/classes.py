"""What it confuses: the confusion matrix, and each class's figures with their intervals."""

from tellapart.evaluation.intervals import ENOUGH
from tellapart.report.page import Facts, drawing, html

POSITION, TITLE = 40, "Class by class"

_TEMPLATE = """
{{ matrix }}
<div class="wide"><table><thead><tr><th>class</th><th class="number">pictures</th><th class="number">precision</th>
<th class="number">recall</th><th class="number">F1</th><th class="number">F1, 95 % interval</th>
<th class="number">ROC area</th><th>most often taken for</th></tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row["class"] }}</td><td class="number">{{ row["count"] | thousands }}</td>
<td class="number">{{ row.precision | percent(1) }}</td><td class="number">{{ row.recall | percent(1) }}</td>
<td class="number">{{ row.f1 | percent(1) }}</td>
<td class="number">{% if row.enough %}{{ row.f1_interval[0] | percent(1) }} to {{ row.f1_interval[1] | percent(1) }}
{% else %}too few pictures to say{% endif %}</td>
<td class="number">{{ "%.4f" | format(row.roc_area) if row.roc_area is not none else "-" }}</td>
<td>{{ row.taken_for or "" }}</td></tr>{% endfor %}
</tbody></table></div>
<p class="soft">Precision: of the pictures called so, the share that is. Recall: of the pictures that are, the share
called so. F1: their harmonic mean; of classes with fewer than {{ enough }} pictures it says too little.</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    found = facts.evaluation
    if found is None:
        return ""
    matrix = drawing(found.confusion_matrix(), "Confusion matrix: true classes in rows, predicted ones in columns")
    return html(_TEMPLATE, matrix=matrix, rows=found.per_class(), enough=ENOUGH)

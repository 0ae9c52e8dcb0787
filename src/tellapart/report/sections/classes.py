"""The confusion matrix, and the metrics of each class with their intervals."""

from tellapart.evaluation.intervals import ENOUGH
from tellapart.report.page import Facts, drawing, html

POSITION, TITLE = 40, "Results per class"

_TEMPLATE = """
{{ matrix }}
<div class="wide"><table><thead><tr><th>class</th><th class="number">pictures</th><th class="number">precision</th>
<th class="number">recall</th><th class="number">F1</th><th class="number">F1, 95 % interval</th>
<th class="number">ROC AUC</th><th>most often confused with</th></tr></thead><tbody>
{% for row in rows %}<tr><td>{{ row["class"] }}</td><td class="number">{{ row["count"] | thousands }}</td>
<td class="number">{{ row.precision | percent(1) }}</td><td class="number">{{ row.recall | percent(1) }}</td>
<td class="number">{{ row.f1 | percent(1) }}</td>
<td class="number">{% if row.enough_pictures -%}
{{ row.f1_interval[0] | percent(1) }} to {{ row.f1_interval[1] | percent(1) }}
{% else %}too few pictures{% endif %}</td>
<td class="number">{{ "%.4f" | format(row.roc_auc) if row.roc_auc is not none else "-" }}</td>
<td>{{ row.most_confused_with or "" }}</td></tr>{% endfor %}
</tbody></table></div>
<p class="soft">Precision: the share of pictures predicted as this class that belong to it. Recall: the share of this
class's pictures that are predicted as it. F1: the harmonic mean of both. With fewer than {{ enough }} pictures of a
class, its metrics are too uncertain to use.</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    matrix = drawing(evaluation.confusion_matrix(), "Confusion matrix: true classes in rows, predicted ones in columns")
    return html(_TEMPLATE, matrix=matrix, rows=evaluation.per_class(), enough=ENOUGH)

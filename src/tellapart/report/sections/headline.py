"""The results: the accuracy with its interval and baselines, and all metrics of the whole split."""

from tellapart.report.page import Facts, html

POSITION, TITLE = 10, "Results"

_TEMPLATE = """
<p class="big">{{ evaluation.accuracy | percent }}</p>
<p>accuracy on {{ evaluation.count | thousands }} {{ evaluation.split }} pictures. 95&nbsp;% confidence interval:
{{ low | percent }} to {{ high | percent }}.</p>
<table class="bars"><tbody>
<tr><td>this classifier</td><td class="number">{{ evaluation.accuracy | percent }}</td>
<td><meter min="0" max="1" value="{{ evaluation.accuracy }}"></meter></td></tr>
{% for base in evaluation.baselines %}<tr><td>{{ base.description }}</td>
<td class="number">{{ base.accuracy | percent }}</td>
<td><meter min="0" max="1" value="{{ base.accuracy }}"></meter></td></tr>{% endfor %}
</tbody></table>
{% if evaluation.split == "test" and evaluation.leaked is none %}<p class="soft">
The test split was not used for training or for choosing the weights.</p>{% endif %}
{% for sentence in warnings %}<p><strong>{{ sentence }}</strong></p>{% endfor %}
{% for sentence in remarks %}<p>{{ sentence }}</p>{% endfor %}
<details open><summary>All metrics ({{ evaluation.split }})</summary>
<table class="metrics"><thead><tr><th>metric</th><th class="number">value</th><th class="number">95 % interval</th>
<th class="definition">definition</th>
</tr></thead><tbody>
{% for metric in evaluation.metrics %}<tr><td>{{ metric.name }}</td>
<td class="number">{{ "%.4f" | format(metric.value) if metric.value is not none else "not defined" }}</td>
<td class="number">{{ "%.4f to %.4f" | format(*metric.interval) if metric.interval else "" }}</td>
<td class="soft definition">{{ metric.definition }}</td></tr>{% endfor %}
</tbody></table></details>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    low, high = evaluation.accuracy_interval
    return html(_TEMPLATE, evaluation=evaluation, low=low, high=high, warnings=facts.warnings, remarks=facts.remarks)

"""The result in words, against baselines, and all metrics of the whole split."""

from tellapart.report.facts import Facts
from tellapart.report.page import html, scroll

POSITION, TITLE = 10, "Result"

_TEMPLATE = """
<p class="headline"><strong>{{ evaluation.accuracy | percent(interval) }} right</strong> {{ where }}
<span class="soft">({{ interval | percent_range }})</span></p>
<table class="bars"><tbody>
<tr class="first"><th scope="row">this classifier</th>
<td><div class="bar"><span class="fill" style="width:{{ 100 * evaluation.accuracy }}%"></span>
<span class="range" style="left:{{ 100 * interval[0] }}%;right:{{ 100 - 100 * interval[1] }}%"></span></div></td>
<td class="number">{{ evaluation.accuracy | percent(interval) }}</td></tr>
{% for base in evaluation.baselines %}<tr><th scope="row">{{ base.description | sentence }}</th>
<td><div class="bar"><span class="fill" style="width:{{ 100 * base.accuracy }}%"></span></div></td>
<td class="number">{{ base.accuracy | percent(interval) }}</td></tr>{% endfor %}
</tbody></table>
<p class="soft">{% if unseen %}The test split was not used for training or for choosing the weights.
{% endif %}In brackets, and as a line on the bar: the 95 % confidence interval, all accuracies that fit this result.</p>
{% for sentence in warnings %}<p class="callout">{{ sentence | sentence }}</p>{% endfor %}
{% for sentence in remarks %}<p>{{ sentence | sentence }}</p>{% endfor %}
<details><summary>All metrics ({{ evaluation.split }})</summary>
{{ metrics }}</details>
"""

_METRICS = """
<table class="metrics"><thead><tr><th>metric</th><th class="number">value</th><th class="number">95 % interval</th>
<th class="definition">definition</th></tr></thead><tbody>
{% for metric in metrics %}<tr><td>{{ metric.name }}</td>
<td class="number">{{ "%.4f" | format(metric.value) if metric.value is not none else "not defined" }}</td>
<td class="number">{{ "%.4f to %.4f" | format(*metric.interval) if metric.interval else "" }}</td>
<td class="soft definition">{{ metric.definition }}</td></tr>{% endfor %}
</tbody></table>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    return html(
        _TEMPLATE,
        evaluation=evaluation,
        where=_where(facts),
        interval=evaluation.accuracy_interval,
        unseen=facts.unseen,
        warnings=facts.warnings,
        remarks=facts.remarks,
        metrics=scroll("All metrics", html(_METRICS, metrics=evaluation.metrics)),
    )


def _where(facts: Facts) -> str:
    """Return on which pictures the accuracy was measured."""
    evaluation = facts.evaluation
    assert evaluation is not None
    pictures = f"{evaluation.count:,} pictures" if evaluation.count != 1 else "1 picture"
    if facts.unseen:
        return f"on {pictures} it has never seen"
    if evaluation.folds:
        return f"on {pictures}, each predicted by a model that was not trained on it"
    return f"on {evaluation.count:,} {evaluation.split} picture{'s' if evaluation.count != 1 else ''}"

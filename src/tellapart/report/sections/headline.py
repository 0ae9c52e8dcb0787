"""How good the classifier is: the accuracy with its interval beside baselines, and every figure of the whole part."""

from tellapart.report.page import Facts, html

POSITION, TITLE = 10, "How good it is"

_TEMPLATE = """
<p class="big">{{ found.accuracy | percent }}</p>
<p>of {{ found.count | thousands }} {{ found.split }} pictures were named rightly. The 95&nbsp;% interval goes from
{{ low | percent }} to {{ high | percent }}.</p>
<table class="bars"><tbody>
<tr><td>this classifier</td><td class="number">{{ found.accuracy | percent }}</td>
<td><meter min="0" max="1" value="{{ found.accuracy }}"></meter></td></tr>
{% for base in found.baselines %}<tr><td>{{ base.words }}</td><td class="number">{{ base.accuracy | percent }}</td>
<td><meter min="0" max="1" value="{{ base.accuracy }}"></meter></td></tr>{% endfor %}
</tbody></table>
<p class="soft">{% if found.split == "test" %}{% if found.leaked is none %}
The test split took no part in training or in choosing the weights.
{% endif %}{% elif found.folds %}
Cross-validation: {{ found.folds | length }} models, each asked about pictures that it had not seen
({{ found.folds | min | percent }} to {{ found.folds | max | percent }}); the saved one has learnt from all of them.
{% else %}
There is no test split: these pictures were used to choose the weights, so the figure flatters.{% endif %}</p>
{% if torn %}<p><strong>{{ torn | thousands }} of these pictures are of groups that training has pictures of
too</strong>, as the data gives its parts: the figure may flatter.</p>{% endif %}
{% if found.leaked is not none %}<p><strong>{{ found.leaked.sum() | int | thousands }} of these pictures are in
training too, exactly or nearly.</strong>{% if rest %} Without them the accuracy is {{ rest.accuracy | percent }}
({{ rest.accuracy_interval[0] | percent }} to {{ rest.accuracy_interval[1] | percent }}).{% endif %}</p>{% endif %}
{% for words in found.caveats %}<p>Note: {{ words }}.</p>{% endfor %}
<details open><summary>All figures of the {{ found.split }} part</summary>
<table class="said"><thead><tr><th>figure</th><th class="number">value</th><th class="number">95 % interval</th>
<th class="what">what it is</th>
</tr></thead><tbody>
{% for m in found.measures %}<tr><td>{{ m.name }}</td>
<td class="number">{{ "%.4f" | format(m.value) if m.value is not none else "not defined" }}</td>
<td class="number">{{ "%.4f to %.4f" | format(*m.interval) if m.interval else "" }}</td>
<td class="soft what">{{ m.definition }}</td></tr>{% endfor %}
</tbody></table></details>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    found = facts.evaluation
    if found is None:
        return ""
    low, high = found.accuracy_interval
    torn = facts.record["split"].get("torn", {}).get(found.split)
    return html(_TEMPLATE, found=found, low=low, high=high, rest=found.without_leaks(), torn=torn)

"""How good the classifier is, in one figure with its interval, beside the baseline."""

from tellapart.report.page import Facts, html

POSITION, TITLE = 10, "How good it is"

_TEMPLATE = """
<p class="big">{{ "%.2f" | format(100 * found.accuracy) }} %</p>
<p>of {{ "{:,}".format(found.count) }} {{ found.part }} pictures were named rightly. The 95&nbsp;% interval goes from
{{ "%.2f" | format(100 * found.accuracy_interval[0]) }} to {{ "%.2f" | format(100 * found.accuracy_interval[1]) }} %.
Always answering “{{ found.baseline["class"] }}” would reach
{{ "%.2f" | format(100 * found.baseline.accuracy) }} %.
The {{ found.loss_name }} is {{ "%.4f" | format(found.loss) }}.</p>
<p class="soft">{% if found.part == "test" %}
The test part took no part in training or in choosing the weights.{% else %}
There is no test part: these pictures were used to choose the weights, so the figure flatters.{% endif %}</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    return html(_TEMPLATE, found=facts.headline) if facts.headline else ""

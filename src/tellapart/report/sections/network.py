"""What was trained: the recipe, and the network layer by layer."""

from tellapart.report.facts import Facts
from tellapart.report.page import html, scroll

POSITION, TITLE = 85, "Network and recipe"

_TEMPLATE = """
<p>Recipe <b>{{ recipe.name }}</b>: {% if recipe.frozen %}logistic regression on the features of a pretrained backbone.
{% else %}{{ recipe.optimizer }}, learning rate {{ recipe.learning_rate }}
({{ recipe.schedule }}), batch size {{ recipe.batch_size }}, {{ epochs | counted("epoch") }}, {{ recipe.loss }} loss.
{% endif %}Input: {{ preprocessing.width }} x {{ preprocessing.height }} {{ preprocessing.colour }}.</p>
<details><summary>{{ layers | length | counted("layer") }} with {{ layers | sum("parameters") | thousands }}
parameters</summary>{{ table }}
<p class="soft">Operations: multiplications and additions with kernels for one picture (FLOPs).</p></details>
"""

_LAYERS = """
<table><thead><tr><th>layer</th><th>type</th><th>output shape</th><th class="number">parameters</th>
<th class="number">operations</th></tr></thead><tbody>
{% for layer in layers %}<tr><td>{{ layer.name }}</td><td>{{ layer.kind }}</td><td>{{ layer.shape | join(" x ") }}</td>
<td class="number">{{ layer.parameters | thousands }}</td>
<td class="number">{{ layer.operations | thousands }}</td></tr>{% endfor %}
<tr><td>total</td><td></td><td></td><td class="number">{{ layers | sum("parameters") | thousands }}</td>
<td class="number">{{ layers | sum("operations") | thousands }}</td></tr>
</tbody></table>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    record = facts.record
    return html(
        _TEMPLATE,
        recipe=record["recipe"],
        preprocessing=record["preprocessing"],
        layers=facts.layers,
        table=scroll("Layers of the network", html(_LAYERS, layers=facts.layers)),
        epochs=len(facts.history) or record["recipe"]["epochs"],  # a time budget decides how many epochs were trained
    )

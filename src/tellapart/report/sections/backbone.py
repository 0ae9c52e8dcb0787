"""The pretrained backbone: whose weights the network starts from, their licence, and what to keep in mind."""

from tellapart.report.facts import Facts
from tellapart.report.page import html

POSITION, TITLE = 80, "Pretrained backbone"

_TEMPLATE = """
<p>The network starts from <b>{{ backbone.title }}</b>, trained on ImageNet-1k
({{ backbone.accuracy | percent }} top-1 there). {% if frozen %}It was left as it is; only a logistic regression on its
features was fitted to your pictures.{% elif kept %}It was then trained further on your pictures.{% else %}It was
trained further on your pictures, but that did not predict more validation pictures right, so the model is the logistic
regression on the features of the backbone as it was.{% endif %}</p>
<p class="soft">Weights: {{ backbone.licence }}; {{ backbone.credit }}; SHA-256
{{ backbone.sha256[:16] }}..., from {{ backbone.source }}. ImageNet shows a thousand kinds of things, dogs, cats and
insects among them. If your pictures come from the same sources on the web, the backbone may have seen some of them,
test pictures too; then the metrics are optimistic for new pictures.</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    backbone = facts.record.get("backbone")
    if not backbone:
        return ""
    return html(
        _TEMPLATE,
        backbone=backbone,
        frozen=facts.record["recipe"]["frozen"],
        kept=facts.record["results"]["best_epoch"],
    )

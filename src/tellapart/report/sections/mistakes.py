"""The most confident mistakes: the picture, what the network responded to, and what it sees of the picture."""

from markupsafe import Markup

from tellapart.report.facts import Facts, ShownMistake
from tellapart.report.page import html, picture
from tellapart.training.places import without_folders

POSITION, TITLE = 30, "Most confident mistakes"

SIDE, SMALL = 224, 64
"""The longer side of a picture on the page, and of what the network sees of it, in CSS pixels."""

_TEMPLATE = """
<p>{{ wrong | thousands }} of {{ count | thousands }} {{ split }} pictures were misclassified. These are the mistakes
with the highest confidence; a wrong label in the data would appear here too.</p>
{% if heat %}<p class="legend"><span class="scale" aria-hidden="true"></span>
Heat map: the redder a region, the more it contributed to the prediction.</p>{% endif %}
<div class="mistakes">{% for mistake in mistakes %}{{ mistake }}{% endfor %}</div>
"""

_MISTAKE = """
<figure class="mistake"><div class="views">{{ own }}{{ heat }}</div>
<figcaption>{% if seen %}<span class="seen">{{ seen }}<span>as the network sees it</span></span>{% endif %}
<span><b>predicted <bdi>{{ mistake.predicted }}</bdi></b> ({{ mistake.probability | probability }})<br>
labelled <bdi>{{ mistake.true }}</bdi><br><span class="file">{{ mistake.key | file_name }}</span></span>
</figcaption></figure>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    if not facts.mistakes:
        return html("<p>All {{ count | thousands }} pictures were classified correctly.</p>", count=evaluation.count)
    return html(
        _TEMPLATE,
        mistakes=[_mistake(shown) for shown in facts.mistakes],
        wrong=evaluation.count - evaluation.correct,
        count=evaluation.count,
        split=evaluation.split,
        heat=any(mistake.heat is not None for mistake in facts.mistakes),
    )


def _mistake(shown: ShownMistake) -> Markup:
    mistake = shown.mistake
    name = without_folders(mistake.key)
    return html(
        _MISTAKE,
        mistake=mistake,
        own=picture(shown.picture, f"{name}, a picture of {mistake.true}", SIDE),
        heat=""
        if shown.heat is None
        else picture(shown.heat, f"heat map for the prediction {mistake.predicted}", SIDE),
        seen="" if shown.seen is None else picture(shown.seen, f"{name} as the network sees it", SMALL),
    )

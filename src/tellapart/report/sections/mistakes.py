"""The most confident mistakes, each with a heat map of what the network responded to."""

from markupsafe import Markup

from tellapart.report.page import Facts, ShownMistake, gallery, html, picture

POSITION, TITLE = 50, "Most confident mistakes"

_TEMPLATE = """
<p>{{ wrong | thousands }} of {{ count | thousands }} {{ split }} pictures were misclassified. These are the mistakes
with the highest confidence; a wrong label in the data would appear here too.{% if heat %} The second picture is a heat
map: the redder a region, the more it contributed to the prediction.{% endif %}</p>
{{ mistakes }}
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    if not facts.mistakes:
        return html("<p>All {{ count | thousands }} pictures were classified correctly.</p>", count=evaluation.count)
    mistakes = gallery([(_pictures(mistake), _caption(mistake)) for mistake in facts.mistakes])
    heat = any(mistake.heat is not None for mistake in facts.mistakes)
    wrong = evaluation.count - evaluation.correct
    return html(_TEMPLATE, mistakes=mistakes, wrong=wrong, count=evaluation.count, split=evaluation.split, heat=heat)


def _pictures(shown: ShownMistake) -> Markup:
    """The picture and, if there is one, its heat map."""
    plain = picture(shown.picture, f"{shown.mistake.key}, a picture of {shown.mistake.true}")
    if shown.heat is None:
        return plain
    return plain + picture(shown.heat, f"heat map for the prediction {shown.mistake.predicted}")


def _caption(shown: ShownMistake) -> str:
    mistake = shown.mistake
    return f"predicted {mistake.predicted} ({mistake.probability:.1%}), labelled {mistake.true}: {mistake.key}"

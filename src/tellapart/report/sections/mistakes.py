"""Where it was wrong and sure of it: the most confident mistakes, with what the network looked at."""

from markupsafe import Markup

from tellapart.report.page import Facts, Seen, gallery, html, picture

POSITION, TITLE = 50, "Most confident mistakes"

_TEMPLATE = """
<p>{{ wrong | thousands }} of {{ count | thousands }} {{ split }} pictures were not named rightly. These are the ones
that it was surest of; a wrong label in the data would be found here too.{% if heat %} The second picture shows what
spoke for the answer: the redder, the more.{% endif %}</p>
{{ shown }}
"""


def render(facts: Facts) -> str:
    """See the contract."""
    found = facts.evaluation
    if found is None:
        return ""
    if not facts.mistakes:
        return html("<p>Not one of {{ count }} pictures was named wrongly.</p>", count=found.count)
    shown = gallery([(_pictures(seen), _words(seen)) for seen in facts.mistakes])
    heat = any(seen.heat is not None for seen in facts.mistakes)
    wrong = found.count - found.correct
    return html(_TEMPLATE, shown=shown, wrong=wrong, count=found.count, split=found.split, heat=heat)


def _pictures(seen: Seen) -> Markup:
    plain = picture(seen.picture, f"{seen.mistake.key}, a picture of {seen.mistake.true}")
    if seen.heat is None:
        return plain
    return plain + picture(seen.heat, f"what spoke for {seen.mistake.predicted} in it")


def _words(seen: Seen) -> str:
    mistake = seen.mistake
    return f"{mistake.predicted} ({mistake.probability:.1%}), but it is {mistake.true}: {mistake.key}"

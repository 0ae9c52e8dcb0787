"""What to do next: up to three pieces of advice that the facts of the run support."""

from tellapart.report.advice import Step, advice
from tellapart.report.facts import Facts
from tellapart.report.page import anchor, html

POSITION, TITLE = 20, "What to do next"

NOTHING = Step("Nothing stands out.", "Try the model on new pictures with `tellapart predict`.")

_TEMPLATE = """
<ol class="steps">{% for step in steps %}<li><strong>{{ step.what | sentence }}</strong>
{{ step.why | sentence }}
{% if step.section %}<a href="#{{ step.section }}">See {{ step.title }}</a>{% endif %}</li>{% endfor %}</ol>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    if facts.evaluation is None:
        return ""
    steps = [
        {"what": step.what, "why": step.why, "title": step.section.lower(), "section": anchor(step.section)}
        for step in advice(facts) or [NOTHING]
    ]
    return html(_TEMPLATE, steps=steps)

"""Whether its confidence means anything: calibration, and errors against the share of pictures answered."""

from tellapart.report.page import Facts, drawing, html

POSITION, TITLE = 60, "How far its confidence can be trusted"

_TEMPLATE = """
<div class="pair">{{ calibration }}{{ coverage }}</div>
<p>Left: of the answers given with a probability around 80 %, how many are right? On the dotted line the probabilities
mean what they say. {% if temperature != 1 %}They were brought closer to it by dividing the network's logits by a
temperature of {{ "%.3f" | format(temperature) }}, fitted on
{{ fitted_on }}. {% endif %}
Right: leave the least sure answers out, and fewer of the others are wrong.
{% if answered %}Answers below {{ answered.threshold | near_one }} are given as “unsure”:
{{ answered.coverage | percent }}
of the pictures are answered, and {{ answered.error | percent }} of those answers are wrong.{% else %}
<code>--max-error-rate 1%</code> answers “unsure” where that is needed to keep errors at 1 %.{% endif %}</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    found = facts.evaluation
    if found is None:
        return ""
    fitted_on = "the validation split"
    if facts.record["options"].get("folds"):
        fitted_on = "these very answers" if found.folds else "the cross-validation's answers"
    calibration = drawing(found.calibration(), "Calibration: probabilities against the share that is right")
    coverage = drawing(found.coverage(), "Share of wrong answers against the share of pictures answered")
    return html(
        _TEMPLATE,
        calibration=calibration,
        coverage=coverage,
        answered=found.answered(),
        temperature=found.temperature,
        fitted_on=fitted_on,
    )

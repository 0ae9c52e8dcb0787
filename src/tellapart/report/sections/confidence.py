"""How far the confidence can be trusted: calibration, and errors against the share of answered pictures."""

from tellapart.report.page import Facts, drawing, html

POSITION, TITLE = 60, "Calibration and confidence"

_TEMPLATE = """
<div class="pair">{{ calibration }}{{ coverage }}</div>
<p>Left: how often predictions are correct, by their confidence. On the dotted line, predictions made with 80 %
confidence are correct 80 % of the time.
{% if temperature != 1 %}To bring predictions closer to that line, the network's logits are divided by a temperature of
{{ "%.3f" | format(temperature) }}, fitted on
{{ fitted_on }}. {% endif %}
Right: the share of wrong answers if the least confident predictions are left out.
{% if answered %}Predictions with a confidence below {{ answered.threshold | near_one }} are reported as “unsure”:
{{ answered.coverage | percent }}
of the pictures get an answer, and {{ answered.error | percent }} of these answers are wrong.{% else %}
With <code>--max-error-rate 1%</code> the classifier answers “unsure” for low-confidence pictures, so that at most 1 %
of the other answers should be wrong.{% endif %}</p>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    fitted_on = "the validation split"
    if facts.record["options"].get("folds"):
        fitted_on = "these same predictions" if evaluation.folds else "the predictions of the cross-validation"
    calibration = drawing(evaluation.calibration(), "Calibration: accuracy against confidence")
    coverage = drawing(evaluation.coverage(), "Share of wrong answers against the share of answered pictures")
    return html(
        _TEMPLATE,
        calibration=calibration,
        coverage=coverage,
        answered=evaluation.answered(),
        temperature=evaluation.temperature,
        fitted_on=fitted_on,
    )

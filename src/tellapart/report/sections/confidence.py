"""How far the confidence can be trusted: calibration, and errors against the share of answered pictures."""

from tellapart.report.facts import Facts
from tellapart.report.judgement import calibration_judged, coverage_judged
from tellapart.report.page import drawing, html

POSITION, TITLE = 60, "Confidence"

_TEMPLATE = """
<div class="columns">
<div>{{ calibration }}<p>{{ judged | sentence }}</p>
<p class="soft">On the dotted line, predictions made with 80 % confidence are right 80 % of the time. A larger point
stands for more pictures. Expected calibration error: {{ error | percent }}.
{% if temperature != 1 %}To bring predictions closer to that line, the network's logits are divided by a temperature of
{{ "%.3f" | format(temperature) }}, fitted on
{{ fitted_on }}.{% endif %}</p></div>
<div>{{ coverage }}<p>{{ covered | sentence }}</p>
<p>{% if answered %}Predictions with a confidence below {{ answered.threshold | percent }} are reported as “unsure”:
{{ answered.coverage | percent }}
of the pictures get an answer, and {{ answered.error | percent }} of these answers are wrong.{% else %}
With <code>--max-error-rate 1%</code> the classifier answers “unsure” for low-confidence pictures, so that at most 1 %
of the other answers should be wrong.{% endif %}</p></div>
</div>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    fitted_on = "the validation split"
    if facts.is_cross_validated:
        fitted_on = "these same predictions" if evaluation.folds else "the predictions of the cross-validation"
    return html(
        _TEMPLATE,
        calibration=drawing(evaluation.calibration(), "Calibration: accuracy against confidence"),
        judged=calibration_judged(facts),
        error=evaluation.calibration_error,
        coverage=drawing(evaluation.coverage(), "Share of wrong answers against the share of answered pictures"),
        covered=coverage_judged(evaluation),
        answered=evaluation.answered(),
        temperature=evaluation.temperature,
        fitted_on=fitted_on,
    )

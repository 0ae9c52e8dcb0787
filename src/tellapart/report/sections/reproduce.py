"""What it takes to reproduce the run: command, seed, versions and machine."""

from tellapart.report.facts import Facts
from tellapart.report.page import html

POSITION, TITLE = 90, "How to reproduce"

_TEMPLATE = """
<pre>{{ command }}</pre>
<table class="pairs"><tbody>
<tr><th scope="row">seed</th><td>{{ record.seed }}</td></tr>
<tr><th scope="row">backend</th><td>{{ record.backend }}, {{ record.precision }}</td></tr>
<tr><th scope="row">versions</th><td>
{% for name, version in record.versions.items() %}{{ name }} {{ version }}{{ ", " if not loop.last }}{% endfor %}
</td></tr>
<tr><th scope="row">machine</th><td>
{{ record.machine.cores | counted("core") }} of {{ record.machine.processor }}, {{ record.machine.system }}
</td></tr>
<tr><th scope="row">data fingerprint</th><td><code>{{ record.data.fingerprint }}</code></td></tr>
<tr><th scope="row">started</th><td>{{ record.started }}</td></tr>
</tbody></table>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    return html(_TEMPLATE, record=facts.record, command=facts.command)

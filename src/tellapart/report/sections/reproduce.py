"""What it takes to reproduce the run: command, seed, versions and machine."""

from tellapart.report.page import Facts, html

POSITION, TITLE = 90, "How to reproduce"

_TEMPLATE = """
<pre>{{ command }}</pre>
<table>
<tr><td>seed</td><td>{{ record.seed }}</td></tr>
<tr><td>backend</td><td>{{ record.backend }}, {{ record.precision }}</td></tr>
<tr><td>versions</td><td>
{% for name, version in record.versions.items() %}{{ name }} {{ version }}{{ ", " if not loop.last }}{% endfor %}
</td></tr>
<tr><td>machine</td><td>
{{ record.machine.cores | counted("core") }} of {{ record.machine.processor }}, {{ record.machine.system }}
</td></tr>
<tr><td>data fingerprint</td><td><code>{{ record.data.fingerprint }}</code></td></tr>
<tr><td>started</td><td>{{ record.started }}</td></tr>
</table>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    return html(_TEMPLATE, record=facts.record, command=facts.command)

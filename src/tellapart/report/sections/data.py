"""What was learnt from: counts, parts, a look at the pictures, and the files that were set aside."""

from tellapart.report.page import Facts, html, picture
from tellapart.report.plots import picture_grid

POSITION, TITLE = 20, "Data"

_TEMPLATE = """
<p>{{ data.name }}: {{ "{:,}".format(data.pictures) }} pictures, {{ data.classes | length }} classes.
{% for part, count in split.counts.items() if count %}{{ "; " if not loop.first }}{{ part }} {{ "{:,}".format(count) }}
({{ split.origin[part] }}){% endfor %}.</p>
{{ grid }}
{% if set_aside %}<p>{{ set_aside | length }} pictures could not be read and were set aside:</p>
<table>{% for item in set_aside[:50] %}<tr><td>{{ item.file }}</td><td>{{ item.reason }}</td></tr>{% endfor %}</table>
{% endif %}
"""


def render(facts: Facts) -> str:
    """See the contract."""
    record = facts.record
    grid = picture(picture_grid(facts.pictures, facts.labels, columns=6), "Some training pictures with their classes")
    return html(
        _TEMPLATE, data=record["data"], split=record["split"], grid=grid, set_aside=record["results"]["set_aside"]
    )

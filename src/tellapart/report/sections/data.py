"""What was learnt from: counts, parts, a look at the pictures, and the files that were set aside."""

from tellapart.report.page import Facts, gallery, html, picture

POSITION, TITLE = 20, "Data"

_TEMPLATE = """
<p>{{ data.name }}: {{ data.pictures | thousands }} pictures, {{ data.classes | length }} classes.
{% for part, count in split.counts.items() if count %}{{ "; " if not loop.first }}{{ part }} {{ count | thousands }}
({{ split.origin[part] }}){% endfor %}.</p>
{{ grid }}
{% if set_aside %}<p>{{ set_aside | length }} pictures could not be read and were set aside:</p>
<table>{% for item in set_aside[:50] %}<tr><td>{{ item.file }}</td><td>{{ item.reason }}</td></tr>{% endfor %}</table>
{% endif %}
"""


def render(facts: Facts) -> str:
    """See the contract."""
    record = facts.record
    shown = [
        (picture(pixels, f"a training picture of {label}"), label)
        for pixels, label in zip(facts.pictures, facts.labels, strict=True)
    ]
    set_aside = record["results"]["set_aside"]
    return html(_TEMPLATE, data=record["data"], split=record["split"], grid=gallery(shown), set_aside=set_aside)

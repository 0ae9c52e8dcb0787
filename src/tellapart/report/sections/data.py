"""The data: counts, splits, sample pictures, and the files that were skipped."""

from tellapart.report.page import Facts, gallery, html, picture

POSITION, TITLE = 20, "Data"

_TEMPLATE = """
<p>{{ data.name }}: {{ data.pictures | thousands }} pictures, {{ data.classes | length }} classes.
{% for name, count in split_table.counts.items() if count -%}
{{ "; " if not loop.first }}{{ name }} {{ count | thousands }}
({{ split_table.origin[name] }}){% endfor %}.</p>
{{ grid }}
{% if data.classes | length <= 200 %}<details{{ " open" if data.classes | length <= 10 }}>
<summary>Pictures of each class</summary><table><thead><tr><th>class</th>
{% for name in split_table.class_counts %}<th class="number">{{ name }}</th>{% endfor %}</tr></thead><tbody>
{% for name in data.classes %}<tr><td>{{ name }}</td>{% set place = loop.index0 %}
{% for counts in split_table.class_counts.values() -%}
<td class="number">{{ counts[place] | thousands }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table></details>{% endif %}
{% if skipped %}<p>Skipped, because they could not be read: {{ skipped | length | counted("picture") }}.</p>
<table>{% for item in skipped[:50] %}<tr><td>{{ item.file }}</td><td>{{ item.reason }}</td></tr>{% endfor %}</table>
{% endif %}
"""


def render(facts: Facts) -> str:
    """See the contract."""
    record = facts.record
    samples = [
        (picture(pixels, f"a training picture of {label}"), label)
        for pixels, label in zip(facts.pictures, facts.labels, strict=True)
    ]
    skipped = record["results"]["skipped"]
    return html(_TEMPLATE, data=record["data"], split_table=record["split"], grid=gallery(samples), skipped=skipped)

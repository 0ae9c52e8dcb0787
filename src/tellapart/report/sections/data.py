"""The data: counts, splits, sample pictures, duplicates, and the files that were skipped."""

from markupsafe import Markup

from tellapart.report.facts import Facts, ShownDuplicates
from tellapart.report.page import gallery, html, picture, scroll
from tellapart.training.places import without_folders

POSITION, TITLE = 80, "Data"

SIDE, PAIRED = 160, 112
"""The longer side of a sample picture and of a duplicate on the page, in CSS pixels."""

LISTED = 200
"""Number of classes up to which their pictures are counted one by one."""

_TEMPLATE = """
<p><bdi>{{ data.name }}</bdi>: {{ data.pictures | thousands }} pictures,
{{ data.classes | length | thousands }} classes.
{% for name, count in split_table.counts.items() if count -%}
{{ "; " if not loop.first }}{{ name }} {{ count | thousands }}
({{ split_table.origin[name] }}){% endfor %}.
{% if groups %}Its {{ groups.count | thousands }} groups{% if groups.by %}, made as with
<code>--group <bdi>{{ groups.by }}</bdi></code>,{% endif %} stay together.{% endif %}</p>
{{ samples }}
{% if counts %}<details{{ " open" if data.classes | length <= 10 }}>
<summary>Pictures of each class</summary>{{ counts }}</details>{% endif %}
{% if findings.notes or findings.groups or leaked or across or skipped %}<h3>Findings</h3><ul class="findings">
{% for note in findings.notes %}<li>{{ note.rstrip(".") | sentence }}.</li>{% endfor %}
{% if findings.groups %}<li>{{ findings.duplicates | thousands }} pictures form {{ findings.groups | counted("group") }}
of duplicates; each group stays in one split where possible.</li>{% endif %}
{% for split, count in leaked.items() %}<li>{{ count | counted(split + " picture") }}
{{ "is a duplicate" if count == 1 else "are duplicates" }} of training pictures.</li>{% endfor %}
{% for split, count in across.items() %}<li>{{ count | counted(split + " picture") }}
{{ "belongs" if count == 1 else "belong" }} to groups that also occur in training.</li>{% endfor %}
{% if skipped %}<li>Skipped, because they could not be read: {{ skipped | length | counted("picture") }}.</li>
{% endif %}
</ul>{% endif %}
{% if conflicts %}<h3>Duplicates with different labels: {{ findings.conflicting | thousands }}</h3>
{% if exact %}<p>The same picture has different labels, so at least one of them is wrong. Correct it, or remove a
copy.</p>{% endif %}
{% if near %}<p>Of near-duplicates with different labels, at least one label is probably wrong.</p>{% endif %}
{% for group in conflicts %}{{ group }}{% endfor %}{% endif %}
{{ skipped_table }}
"""

_COUNTS = """
<table><thead><tr><th>class</th>{% for name in class_counts %}<th class="number">{{ name }}</th>{% endfor %}
</tr></thead><tbody>{% for name in names %}<tr><th scope="row"><bdi>{{ name }}</bdi></th>{% set place = loop.index0 %}
{% for counts in class_counts.values() -%}
<td class="number">{{ counts[place] | thousands }}</td>{% endfor %}</tr>
{% endfor %}</tbody></table>
"""

_COPY = """
<b><bdi>{{ label }}</bdi></b>{% if split %}, {{ split }}{% endif %}<br><span class="file">{{ key | file_name }}</span>
"""

_SKIPPED = """
<h3>Skipped files</h3><table><thead><tr><th>file</th><th>reason</th></tr></thead><tbody>
{% for item in skipped %}<tr><td class="file">{{ item.file | file_name }}</td><td>{{ item.reason }}</td></tr>
{% endfor %}
</tbody></table>{% if more %}<p>{{ more | thousands }} more are in run.json.</p>{% endif %}
"""


def render(facts: Facts) -> str:
    """See the contract."""
    record = facts.record
    samples = [
        (picture(pixels, f"a training picture of {label}", SIDE), html("<bdi>{{ label }}</bdi>", label=label))
        for pixels, label in zip(facts.pictures, facts.labels, strict=True)
    ]
    skipped, findings = record["results"]["skipped"], facts.findings
    return html(
        _TEMPLATE,
        data=record["data"],
        split_table=record["split"],
        groups=record["split"].get("groups"),
        samples=gallery(samples),
        counts=_counts(facts),
        findings=findings,
        leaked=record["split"].get("leaked", {}),
        across=record["split"].get("groups_across_splits", {}),
        conflicts=[_conflict(group) for group in findings.conflicts],
        exact=any(group.exact for group in findings.conflicts),
        near=not all(group.exact for group in findings.conflicts),
        skipped=skipped,
        skipped_table=html(_SKIPPED, skipped=skipped[:50], more=max(0, len(skipped) - 50)) if skipped else "",
    )


def _counts(facts: Facts) -> Markup:
    """Return the table of the pictures per class and split; empty for very many classes."""
    names, counts = facts.record["data"]["classes"], facts.record["split"]["class_counts"]
    if len(names) > LISTED:
        return Markup("")
    return scroll("Pictures of each class", html(_COUNTS, names=names, class_counts=counts))


def _conflict(group: ShownDuplicates) -> Markup:
    """Return a group of duplicates: pictures side by side, each with its label, split and file."""
    shown = [
        (
            Markup("") if pixels is None else picture(pixels, f"{without_folders(key)}, labelled {label}", PAIRED),
            html(_COPY, label=label, split=split, key=key),
        )
        for key, label, split, pixels in zip(group.keys, group.labels, group.splits, group.pictures, strict=True)
    ]
    more = html('<p class="soft">and {{ count | counted("more picture") }}</p>', count=group.more) if group.more else ""
    kind = "" if group.exact else html('<p class="soft">Near-duplicates:</p>')
    return Markup("").join([kind, gallery(shown, "large"), more])

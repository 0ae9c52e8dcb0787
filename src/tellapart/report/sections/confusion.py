"""The confusion matrix, and the pairs of classes that are confused with each other, with pictures."""

from typing import Any

from markupsafe import Markup

from tellapart.plots.confusion import NAMED, NUMBERED, whole_percent
from tellapart.report.facts import Facts, ShownPair
from tellapart.report.page import drawing, html, picture, scroll
from tellapart.text import shortened
from tellapart.training.places import without_folders

POSITION, TITLE = 40, "Confusion matrix"

SIDE = 112
"""The longer side of a picture in the list of pairs, in CSS pixels."""

OPEN = 12
"""Number of pairs that are listed before the others are folded."""

_TEMPLATE = """
{% if small %}{{ matrix }}<p class="soft">Rows are true classes, columns predicted ones. Each cell has the number of
pictures and, if the row has others, their share of the true class.{% if links %} A cell with mistakes leads to their
pictures below.{% endif %}</p>{% endif %}
{% if first %}<h3>Most confused pairs</h3>
<div class="confused">{% for pair in first %}{{ pair }}{% endfor %}</div>
{% if rest %}<details><summary>{{ rest | length }} more pairs</summary>
<div class="confused">{% for pair in rest %}{{ pair }}{% endfor %}</div></details>{% endif %}{% endif %}
{% if not small %}<h3>All classes</h3>{{ matrix }}
<p class="soft">Rows are true classes, columns predicted ones; the stronger the colour, the larger the share of the true
class. Correct predictions are blue, on the diagonal, wrong ones orange. Classes that are confused with each other are
neighbours{% if framed %}, and a frame surrounds each group of them{% else %}; the names are those of the first classes
of some groups{% endif %}.</p>{% endif %}
"""

_MATRIX = """
<table class="matrix{{ " many" if rows | length > 10 }}"><thead><tr><th class="corner"><span>true</span>
<span>predicted</span></th>
{% for name in names %}<th scope="col" title="{{ name.full }}"><span><bdi>{{ name.short }}</bdi></span></th>{% endfor %}
</tr></thead><tbody>
{% for row in rows %}<tr><th scope="row" title="{{ row.name.full }}"><bdi>{{ row.name.short }}</bdi></th>
{% for cell in row.cells %}<td{% if cell.count %} class="{{ "right" if cell.right else "wrong" }}" style="--tint:{{
"%.2f" | format(cell.tint) }}"{% endif %}>
{%- if cell.count -%}{% if cell.link %}<a href="#{{ cell.link }}" aria-label="{{ cell.label }}">{% endif -%}
<b>{{ cell.count | thousands }}</b>{% if not cell.whole %}<small>{{ cell.percent }}</small>
{%- endif %}{% if cell.link %}</a>{% endif %}{% endif %}</td>{% endfor %}</tr>{% endfor %}
</tbody></table>
"""

_PAIR = """
<div class="pair" id="{{ id }}"><p><bdi>{{ name }}</bdi> <span class="soft">predicted as</span>
<bdi>{{ other }}</bdi>: <b>{{ count | thousands }}</b> of {{ total | thousands }}
<span class="soft">({{ share | percent(none, 0) }})</span></p>
{% if pictures %}<div class="strip">{{ pictures }}</div>{% endif %}
<p class="file">{% for key in keys %}{{ key | file_name }}{{ ", " if not loop.last }}{% endfor %}
{% if more %} and {{ more | thousands }} more{% endif %}</p></div>
"""


def render(facts: Facts) -> str:
    """See the contract."""
    evaluation = facts.evaluation
    if evaluation is None:
        return ""
    small = len(evaluation.class_names) <= NUMBERED
    pairs = [_pair(facts, pair) for pair in facts.pairs]
    return html(
        _TEMPLATE,
        small=small,
        matrix=_table(facts) if small else _picture(facts),
        links=bool(facts.pairs),
        framed=len(evaluation.class_names) <= NAMED,
        first=pairs[:OPEN],
        rest=pairs[OPEN:],
    )


def _table(facts: Facts) -> Markup:
    evaluation = facts.evaluation
    assert evaluation is not None
    names = evaluation.class_names
    labels = [{"full": full, "short": short} for full, short in zip(names, shortened(names, 16), strict=True)]
    rows = [{"name": labels[c], "cells": _cells(facts, c)} for c in range(len(names))]
    return scroll("Confusion matrix", html(_MATRIX, names=labels, rows=rows))


def _cells(facts: Facts, true: int) -> list[dict[str, Any]]:
    evaluation = facts.evaluation
    assert evaluation is not None
    counts, names = evaluation.confusion[true], evaluation.class_names
    total = int(counts.sum())
    linked = {(pair.true, pair.predicted) for pair in facts.pairs}
    return [
        {
            "count": int(count),
            "percent": whole_percent(int(count) / max(total, 1)),
            "whole": int(count) == total,
            "right": predicted == true,
            "tint": (int(count) / max(total, 1)) ** (1.0 if predicted == true else 0.5),  # rare mistakes stay visible
            "link": _id(true, predicted) if (true, predicted) in linked else "",
            "label": f"{count} of {total} pictures of {names[true]} predicted as {names[predicted]}: see them",
        }
        for predicted, count in enumerate(counts)
    ]


def _picture(facts: Facts) -> Markup:
    evaluation = facts.evaluation
    assert evaluation is not None
    drawn = drawing(
        evaluation.confusion_matrix(normalized=True),
        "Confusion matrix: true classes in rows, predicted ones in columns",
    )
    return scroll("Confusion matrix of all classes", drawn, "natural")


def _pair(facts: Facts, pair: ShownPair) -> Markup:
    evaluation = facts.evaluation
    assert evaluation is not None
    names, total = evaluation.class_names, int(evaluation.confusion[pair.true].sum())
    count = int(evaluation.confusion[pair.true, pair.predicted])
    images = [
        picture(pixels, f"{without_folders(key)}, a picture of {names[pair.true]}", SIDE)
        for key, pixels in zip(pair.keys, pair.pictures, strict=False)
    ]
    return html(
        _PAIR,
        id=_id(pair.true, pair.predicted),
        name=names[pair.true],
        other=names[pair.predicted],
        count=count,
        total=total,
        share=count / max(total, 1),
        pictures=Markup("").join(images),
        keys=[key.rsplit("/", 1)[-1] for key in pair.keys],  # the folder is that of the true class
        more=count - len(pair.keys),
    )


def _id(true: int, predicted: int) -> str:
    return f"pair-{true}-{predicted}"

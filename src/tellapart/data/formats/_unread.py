"""Name the files that may have the labels of pictures without classes, and that no format reads."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence

from tellapart.data.formats._file_index import stem_of
from tellapart.data.tree import Tree
from tellapart.images.read import looks_like_picture
from tellapart.text import counted, listed

TABLES = (".csv", ".tsv", ".parquet", ".jsonl")
"""Endings of tables that a user can describe."""

OTHER_TABLES = (".xlsx", ".xls", ".ods", ".csv.gz", ".csv.zip", ".feather", ".json")
"""Endings of files that may be tables, but are not read."""


def mates(tree: Tree, pictures: Sequence[str]) -> str:
    """Return a clause about files with the names of most pictures and another ending, as box annotations have."""
    stems = {stem_of(posixpath.basename(name)) for name in pictures}
    others = [
        name for name in tree.names if not looks_like_picture(name) and stem_of(posixpath.basename(name)) in stems
    ]
    (ending, count), *_ = Counter(posixpath.splitext(name)[1] for name in others).most_common(1) or [("", 0)]
    if not ending or 2 * count <= len(stems):
        return ""
    first = next(name for name in others if name.endswith(ending))
    verb = "has" if count == 1 else "have"
    return f"; {counted(count, 'picture')} {verb} a {ending} file of the same name ({first}), which is not read"


def advice_on_tables(tree: Tree) -> str:
    """Return what to do with the tables that are not read: describe or convert them. "" without any."""
    tables = sorted((name for name in tree.names if name.lower().endswith(TABLES)), key=_depth)
    if tables:
        return f"; or say how to read a table ({listed(tables)}): --image-column, --label and perhaps --delimiter"
    others = sorted((name for name in tree.names if name.lower().endswith(OTHER_TABLES)), key=_depth)
    at_top = [name for name in others if name.count("/") == others[0].count("/")]
    if 0 < len(at_top) <= 3:
        return f"; if {listed(at_top)} {'has' if len(at_top) == 1 else 'have'} the labels, save them as such a CSV"
    return ""


def _depth(name: str) -> tuple[int, str]:
    return name.count("/"), name

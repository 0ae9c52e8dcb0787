"""The tables of a tree: which files may be tables, and reading each of them, whatever its kind."""

from __future__ import annotations

import posixpath
from collections import Counter

import polars as pl

from tellapart.data.formats._file_index import FileIndex
from tellapart.data.formats._lists import BIRDS, numbered, read_list, read_numbered
from tellapart.data.formats._records import LINES, read_records
from tellapart.data.formats._roles import FILES, LABELS, SPLITS, with_derived
from tellapart.data.formats._table import Table, canonical, without_header
from tellapart.data.formats._text_table import HEAD, SEPARATORS, read_text
from tellapart.data.layout import Layout
from tellapart.data.tables import FAULTS, damaged, is_parquet, read_parquet, schema
from tellapart.data.tree import Tree
from tellapart.errors import DataError

SUFFIXES = (".csv", ".tsv", ".parquet", ".json", *LINES, ".txt")

MOST = 200
"""Tables that are examined, at most; those nearest to the root."""

MANY = 30
"""A folder with more tables of one kind has one for each picture."""

FIRST = 2000
"""Rows of a Parquet file that are read to find out what it contains."""

FEW = 16
"""A table with more columns is not a list of files without a header."""

OTHERS = ("readme", "license", "licence", "requirements", "classes", "run", "package", "classnames")
"""Text and JSON files that are not tables, by the beginning of their names."""


def table_files(tree: Tree) -> list[str]:
    """Return the files that may be tables, those nearest to the root first."""
    if tree.single:
        return list(tree.names)
    names = [name for name in tree.names if name.lower().endswith(SUFFIXES)]
    counts = Counter(_kind(name) for name in names)
    names = [name for name in names if counts[_kind(name)] <= MANY and not _is_other(name)]
    return sorted(names, key=lambda name: name.count("/"))[:MOST]


def _kind(name: str) -> tuple[str, str]:
    return posixpath.dirname(name), posixpath.splitext(name)[1].lower()


def _is_other(name: str) -> bool:
    base = posixpath.basename(name).lower()
    return base.endswith((".txt", ".json")) and base.startswith(OTHERS)


def read_table(tree: Tree, name: str, layout: Layout, head: bool = False) -> Table | None:
    """Read a table, or only the `head` of a large one; None where a file is not a table.

    Raises DataError for damaged tables, but not for faulty lines if only the head is wanted.
    """
    if is_parquet(tree, name):
        return _read_parquet(tree, name, head)
    lower = name.lower()
    if lower.endswith((".json", *LINES)):
        return read_records(tree, name, head)
    if lower.endswith(".txt") and not _has_separators(tree, name, layout):
        if posixpath.basename(name) == BIRDS[0] and numbered(tree, [name, *tree.names]) == name:
            return read_numbered(tree, name)
        table = read_list(tree, name, head)
        return None if table is None else with_derived(table)
    table = read_text(tree, name, layout, head)
    return without_header(table) if table is not None and _begins_with_a_file(tree, table, layout) else table


def _begins_with_a_file(tree: Tree, table: Table, layout: Layout) -> bool:
    """Return whether what seems to be a header is the first row: it names a file, without extension."""
    known = {*FILES, *(word for level in LABELS for word in level.split()), *SPLITS}
    if not table.header or len(table.columns) > FEW or any(canonical(name) in known for name in table.columns):
        return False
    index = FileIndex(tree, table.name, layout.images)
    return any(index.find(name) for name in table.columns)


def _has_separators(tree: Tree, name: str, layout: Layout) -> bool:
    """Return whether the lines of a text file are divided by a separator, not by blanks."""
    if layout.delimiter is not None:
        return True
    lines = [line for line in tree.start(name, HEAD).splitlines()[:10] if line.strip()]
    return any(all(separator.encode() in line for line in lines) for separator in SEPARATORS) and bool(lines)


def _read_parquet(tree: Tree, name: str, head: bool) -> Table | None:
    """Read the columns of a Parquet file as text; None if it has pictures or records."""
    kinds = schema(tree, name)
    if any(kind == pl.Binary or isinstance(kind, pl.Struct) for kind in kinds.values()):
        return None  # it has the pictures themselves
    wanted = [column for column, kind in kinds.items() if not _is_nested(kind)]
    frame = read_parquet(tree, name, wanted, FIRST if head else None) if wanted else pl.DataFrame()
    try:
        frame = frame.with_columns(
            pl.col(column).cast(pl.List(pl.String) if frame[column].dtype.is_nested() else pl.String)
            for column in frame.columns
        )
    except FAULTS as error:
        raise damaged(tree, name, error) from error
    return Table(name, tree.describe(name), frame)


def _is_nested(kind: pl.DataType) -> bool:
    inner = kind.inner if isinstance(kind, pl.List) else kind
    return isinstance(inner, (pl.Struct, pl.Binary, pl.Object, pl.List, pl.Array))


def empty_error(tree: Tree, name: str) -> DataError:
    """Return the error for a table without rows."""
    given = "the file is empty" if not tree.size(name) else "has a header and no rows"
    return DataError(f"{tree.describe(name)}: {given}", "a table of file names and labels", "copy it again")

"""Read the rows of one table: files, labels, splits, groups and other columns; and join those of several tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import polars as pl

from tellapart.data.formats._file_index import FileIndex, Files
from tellapart.data.formats._labels import Labels, labels_of, place
from tellapart.data.formats._roles import DERIVED, FLAGS, LABELS, Roles, find_roles, split_of_flag, split_value
from tellapart.data.formats._roles import SPLITS as SPLIT_COLUMNS
from tellapart.data.formats._table import Table, canonical, fewer_rows
from tellapart.data.layout import Layout
from tellapart.data.split_names import SPLITS
from tellapart.data.tree import Tree
from tellapart.data.words import Columns, Words
from tellapart.errors import DataError
from tellapart.text import counted

SPLIT_FAULT = "whose values are not the names of splits"
FLAG_FAULT = "whose values are not both true and false"
"""Why a column is not used that is called so."""


@dataclass(frozen=True)
class Rows:
    """The rows of one table, one per picture. `splits` and `groups` are None where it has no such column."""

    table: Table
    roles: Roles
    files: Files
    labels: Labels
    splits: np.ndarray | None
    groups: pl.Series | None
    said: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files.names)

    @property
    def columns(self) -> list[str]:
        """The other columns of text."""
        taken = (self.roles.file, self.roles.label, self.roles.split, *self.roles.one_hot, *DERIVED)
        return [name for name in self.table.columns if name not in taken and self.table.is_text(name)]

    def column(self, name: str) -> list[str | None]:
        """Return the values of a column."""
        values: list[str | None] = self.table.frame[name].to_list()
        return values


def read_rows(tree: Tree, table: Table, layout: Layout) -> Rows:
    """Read the rows of a table. Raises DataError, which names the row at fault, and UsageError for unknown columns."""
    index = FileIndex(tree, table.name, layout.images)
    roles = find_roles(fewer_rows(table), index, layout)
    if roles.file is None or not roles.labelled:
        raise missing_error(table, roles)
    labels = labels_of(tree, table, roles, layout)
    splits = None if roles.split is None else _splits(table, roles.split)
    values = table.frame[roles.file]
    _check_names(values, table, roles.file)
    files = index.resolve(values, table.where, None if splits is None else splits.tolist(), labels.words)
    groups = None if roles.group is None else _groups(table, roles.group)
    said = [*labels.said, f"files: {place(roles.file)}{', ' * bool(files.how)}{files.how}"]
    if splits is not None:
        said.append(f"split: {place(roles.split or '')}")
    said += [
        f"not used: the column {name}, {FLAG_FAULT if canonical(name) in FLAGS else SPLIT_FAULT}"
        for name in table.columns
        if canonical(name) in (*SPLIT_COLUMNS, *FLAGS) and name not in (roles.split, roles.label)
    ]
    if groups is not None:
        said.append(f"groups: {place(roles.group or '')} ({counted(groups.drop_nulls().n_unique(), 'group')})")
    return Rows(table, roles, files, labels, splits, groups, (*said, *table.skipped))


def read_as(tables: Sequence[Table]) -> str:
    """Return a line with the names of the tables that were read and how they are written."""
    how = ", ".join(dict.fromkeys(words for table in tables for words in table.said))
    names = ", ".join(table.name for table in tables)
    return f"{'table' if len(tables) == 1 else 'tables'}: {names}{f' ({how})' if how else ''}"


def missing_error(table: Table, roles: Roles) -> DataError:
    """Return the error for a table without a column of files or labels."""
    shown = ", ".join(table.columns[:20]) or "none"
    if roles.file is None:
        return DataError(
            f"{table.where}: has no column 'file_name' (it has {shown}), and no column has the names of picture files: "
            "as written, in a subfolder, or without extension",
            "the columns file_name and label, and optionally split and group",
            "name the column with --image-column, and the folder of the pictures with --images",
        )
    empty = next((name for name in table.columns if canonical(name) in LABELS[0].split()), None)
    if empty is not None:
        return DataError(f"{table.where}, row 1: the column {empty!r} is empty", "a value in every row", "")
    return DataError(
        f"{table.where}: has no column 'label' (it has {shown})",
        "the columns file_name and label, and optionally split and group",
        "name the column of the labels with --label, or add it",
    )


def _check_names(values: pl.Series, table: Table, column: str) -> None:
    empty = (values.is_null() | (values.str.strip_chars() == "")).arg_true()
    if len(empty):
        raise DataError(
            f"{table.where}, row {empty[0] + 1}: the column {column!r} is empty", "a value in every row", ""
        )
    bad = values.str.contains("\0", literal=True).arg_true()
    if len(bad):
        raise DataError(
            f"{table.where}, row {bad[0] + 1}: the file name contains a NUL character", "the name of a file", ""
        )


def _splits(table: Table, column: str) -> np.ndarray:
    """Return the split of every row. Raises DataError for a value that is not a split, and for an empty cell."""
    values = table.frame[column].cast(pl.String).str.strip_chars().fill_null("")
    read: Callable[[str], str | None] = split_value
    if canonical(column) in FLAGS:
        read = lambda word: split_of_flag(column, word)  # noqa: E731
    names = {word: read(word) for word in values.unique().to_list()}
    wrong = [word for word, split in names.items() if split is None]
    if wrong:
        row = min(int((values == word).arg_max() or 0) for word in wrong)
        raise _split_error(table, column, row, values[row], list(names))
    return values.replace_strict(names, return_dtype=pl.String).to_numpy().astype("<U10")


def _split_error(table: Table, column: str, row: int, word: str, values: Sequence[str]) -> DataError:
    if not word:
        return DataError(f"{table.where}, row {row + 1}: the column {column!r} is empty", "a value in every row", "")
    numbers = all(value.isdecimal() for value in values if value)
    return DataError(
        f"{table.where}, row {row + 1}: {word!r} in the column {column!r} is not a valid split"
        + (": numbers do not show which split is which" if numbers else ""),
        f"one of {', '.join(SPLITS)}",
        "write the names of the splits, or rename the column" if numbers else "correct the value, or remove the column",
    )


def _groups(table: Table, column: str) -> pl.Series | None:
    """Return the group of every row, null for none; None where the column does not group anything.

    A column that is called `group` is always used.
    """
    values = table.frame[column].cast(pl.String).str.strip_chars()
    values = values.set(values == "", None)
    different = values.drop_nulls().n_unique()
    useful = 1 < different < len(values) - values.null_count()
    return values if useful or canonical(column) == "group" else None


def joined_groups(parts: Sequence[Rows]) -> np.ndarray | None:
    """Return the names of groups [n]; a picture without a name is a group of its own. None without groups."""
    if all(part.groups is None for part in parts):
        return None
    words = pl.concat([
        part.groups.alias("group") if part.groups is not None else pl.Series("group", [None] * len(part), pl.String)
        for part in parts
    ])  # fmt: skip
    rows = pl.Series("row", np.arange(len(words))).cast(pl.String)
    named = pl.DataFrame([words.alias("group"), rows]).select(pl.col("group").fill_null(pl.lit("row ") + pl.col("row")))
    return np.array(named.to_series().to_list())


def joined_columns(parts: Sequence[Rows], kept: np.ndarray | None) -> Columns:
    """Return the other columns that all tables have; of the rows `kept`, bool [n], if some were dropped."""
    shared = [name for name in parts[0].columns if all(name in part.columns for part in parts)]

    def values(name: str) -> list[str | None]:
        every = [value for part in parts for value in part.column(name)]
        return every if kept is None else [value for value, keep in zip(every, kept.tolist(), strict=True) if keep]

    return Columns({name: partial(values, name) for name in shared})


def joined_files(parts: Sequence[Rows]) -> Words:
    """Return the files of all tables."""
    if len(parts) == 1:
        return parts[0].files.names
    return Words.of([name for part in parts for name in part.files.names])


def place_of(parts: Sequence[Rows], i: int) -> str:
    """Return the table and row of picture i, for errors."""
    for part in parts:
        if i < len(part):
            return f"{part.table.where}, row {i + 1}"
        i -= len(part)
    raise IndexError(i)

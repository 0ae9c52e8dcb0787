"""A table of any kind, as rows of text: what CSV, TSV, Parquet, JSON Lines, JSON and list files end in."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import polars as pl

SAMPLE = 64
"""Rows that are examined, spread over the table, where examining all would be slow."""


MANY = 50_000
"""Rows that are enough to find out what the columns of a table are."""


@dataclass(frozen=True)
class Table:
    """The rows of one table.

    Attributes:
        name: Its file in the tree.
        where: Its name for errors.
        frame: The values: text, or lists of text where the table has lists. Missing values are null or "".
        said: How it was read where that is not as usual, such as `semicolons between the columns`.
        header: Whether the columns are named by the table; else they are called `column 1`, `column 2` ...
        is_list: Whether it is a text file of names, such as `train.txt`, and not a table of columns.
        skipped: What was left out of the rows, such as tasks without a label, as text.
    """

    name: str
    where: str
    frame: pl.DataFrame
    said: tuple[str, ...] = ()
    header: bool = True
    is_list: bool = False
    skipped: tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """The names of the columns."""
        return self.frame.columns

    def sample(self, column: str) -> list[str]:
        """Return at most SAMPLE values of a column, spread over the table, without empty ones."""
        return [value.strip() for value in spread(self.frame[column]).to_list() if value and value.strip()]

    def is_text(self, column: str) -> bool:
        """Return whether a column has text, not lists."""
        return self.frame[column].dtype == pl.String


def spread(values: pl.Series) -> pl.Series:
    """Return at most SAMPLE values, spread over a column."""
    return values.gather_every(-(-len(values) // SAMPLE)) if len(values) > SAMPLE else values


def without_header(table: Table) -> Table:
    """Return a table whose first row was taken for the names of its columns."""
    names = [f"column {number}" for number in range(1, len(table.columns) + 1)]
    first = pl.DataFrame([table.columns], names, orient="row")
    frame = pl.concat([first, table.frame.rename(dict(zip(table.columns, names, strict=True)))])
    return replace(table, frame=frame, header=False, said=(*table.said, "no header line"))


def fewer_rows(table: Table) -> Table:
    """Return a table with at most MANY of its rows, spread over it: enough to find out what its columns are."""
    step = -(-table.frame.height // MANY)
    return replace(table, frame=table.frame.gather_every(step)) if step > 1 else table


def canonical(column: str) -> str:
    """Return the name of a column without case and separators: `Class_Name`, `class name` and `ClassName` alike."""
    return re.sub(r"[\W_]+", "", column.lower())

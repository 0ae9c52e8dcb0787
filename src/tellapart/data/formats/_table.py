"""A table of any kind, as rows of text: what CSV, TSV, Parquet, JSON Lines, JSON and list files end in."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

SAMPLE = 64
"""Rows that are examined, spread over the table, where examining all would be slow."""


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


def canonical(column: str) -> str:
    """Return the name of a column without case and separators: `Class_Name`, `class name` and `ClassName` alike."""
    return re.sub(r"[\W_]+", "", column.lower())

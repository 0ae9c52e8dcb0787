"""List the data sets that can be opened by name, and where each is read from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellapart.progress import Listener
from tellapart.text import columns
from tellapart.verbs import Record


class Options(Record):
    """No options."""


@dataclass(frozen=True)
class DatasetList:
    """Data sets by name, each with a description and its location."""

    rows: dict[str, tuple[str, str]]

    def to_dict(self) -> dict[str, Any]:
        """A description and a location for each name, for machines."""
        return {name: {"about": about, "where": where} for name, (about, where) in self.rows.items()}

    def __str__(self) -> str:
        return columns([[name, *row] for name, row in self.rows.items()])


def run(options: Options, on_event: Listener) -> DatasetList:
    """Returns a list that prints as a table."""
    from tellapart import leaves
    from tellapart.data import datasets

    def about(name: str) -> str:
        return leaves.card(datasets.__name__, name).splitlines()[0].removeprefix(f"{name}: ")

    return DatasetList({name: (about(name), datasets.where(name)) for name in datasets.names()})

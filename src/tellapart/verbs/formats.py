"""List the formats of labelled pictures that can be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellapart.progress import Listener
from tellapart.text import columns
from tellapart.verbs import Record


class Options(Record):
    """No options."""


@dataclass(frozen=True)
class FormatList:
    """Formats by name, each with a description."""

    rows: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """A description for each name, for machines."""
        return dict(self.rows)

    def __str__(self) -> str:
        return columns(list(self.rows.items())) + "\n\nEach can be in a folder, a zip or a tar (also gz, bz2, xz)."


def run(options: Options, on_event: Listener) -> FormatList:
    """Returns a list that prints as a table."""
    from tellapart import leaves

    package = "tellapart.data.formats"
    return FormatList({name: leaves.card(package, name).splitlines()[0] for name in leaves.names(package)})

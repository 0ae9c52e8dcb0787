"""List the formats that labelled pictures may come in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tellapart.progress import Listener
from tellapart.text import columns
from tellapart.verbs import Record


class Options(Record):
    """Nothing may be asked of formats."""


@dataclass(frozen=True)
class FormatList:
    """Formats by name, each with what it looks like."""

    rows: dict[str, str]

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return dict(self.rows)

    def __str__(self) -> str:
        return columns(list(self.rows.items())) + "\n\nEach may lie in a folder, a zip or a tar (also gz, bz2, xz)."


def run(options: Options, on_event: Listener) -> FormatList:
    """List."""
    from tellapart import leaves

    package = "tellapart.data.formats"
    return FormatList({name: leaves.card(package, name).splitlines()[0] for name in leaves.names(package)})

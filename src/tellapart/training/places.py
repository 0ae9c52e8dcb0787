"""Where data is, written so that it can be found again from another folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tellapart import leaves


def place_of_data(source: str | Path) -> str:
    """The name of a known data set, or an absolute path."""
    return place(source, leaves.names("tellapart.data.datasets"))


def place(source: str | Path, names: Sequence[str] = ()) -> str:
    """A path made absolute; one of `names` unchanged."""
    if str(source) in names:
        return str(source)
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else str(source)

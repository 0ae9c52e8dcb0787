"""Where data is: written so that it can be found again from another folder, or so that a page can be passed on."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tellapart import leaves

DATASETS = "tellapart.data.datasets"


def place_of_data(source: str | Path) -> str:
    """The name of a known data set, or an absolute path."""
    return place(source, leaves.names(DATASETS))


def place(source: str | Path, names: Sequence[str] = ()) -> str:
    """A path made absolute; one of `names` unchanged."""
    if str(source) in names:
        return str(source)
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else str(source)


def without_folders(path: str | Path) -> str:
    """A path for pages that are passed on, without the folders of this machine.

    An absolute one becomes relative to the current folder, or only its name if it is elsewhere. Others are unchanged.
    """
    if not Path(path).is_absolute():
        return str(path)
    short = Path(path).name or str(path)
    for here in (Path.cwd(), Path.cwd().resolve()):
        with suppress(ValueError):
            short = str(Path(path).relative_to(here))
            break
    return f"./{short}" if short in leaves.names(DATASETS) else short  # the name alone would be that data set

"""Data sets by name: one file a set, found by listing this folder.

A data set is a module whose docstring is its card, with `CLASS_NAMES` (in label order; None where the files tell) and

    FILES: tuple[Remote, ...]        what to fetch, once, with hashes; or
    def built_in() -> Collection     for a set that needs no files

A set with files is looked for in `$TELLAPART_DATA/<name>`, then `$TELLAPART_DATA/<name>.zip`, in any format that
tellapart reads; then in the cache; then on the network.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import platformdirs

from tellapart import leaves
from tellapart.data import formats
from tellapart.data.archives import plant
from tellapart.data.collection import Collection
from tellapart.data.download import fetch
from tellapart.errors import DownloadError
from tellapart.progress import Listener, silent


def names() -> tuple[str, ...]:
    """All data sets by name."""
    return leaves.names(__name__)


def load(name: str) -> ModuleType:
    """The module of a data set."""
    return leaves.load(__name__, name, "a data set")


def cache_folder() -> Path:
    """Where downloads are kept: `$TELLAPART_CACHE`, or the system's place for caches."""
    return Path(os.environ.get("TELLAPART_CACHE") or platformdirs.user_cache_dir("tellapart"))


def local_path(name: str) -> Path | None:
    """Where a set lies on this machine, or None. The person's own folder comes before the cache."""
    home = os.environ.get("TELLAPART_DATA")
    for path in (Path(home) / name, Path(home) / f"{name}.zip") if home else ():
        if path.exists():
            return path
    folder = cache_folder() / name
    files = load(name).FILES
    whole = all((folder / file.name).is_file() and (folder / file.name).stat().st_size == file.size for file in files)
    return folder if whole else None


def is_here(name: str) -> bool:
    """Whether a data set can be read without a download."""
    return hasattr(load(name), "built_in") or local_path(name) is not None


def where(name: str) -> str:
    """In words, where a set would be read from."""
    if hasattr(load(name), "built_in"):
        return "comes with scikit-learn"
    path = local_path(name)
    size = sum(file.size for file in load(name).FILES)
    return str(path) if path else f"to be downloaded once ({size / 1e6:.0f} MB)"


def read(name: str, on_event: Listener = silent) -> Collection:
    """The collection of a name. Raises DownloadError that says where to put which file when there is no network."""
    module = load(name)
    if hasattr(module, "built_in"):
        result: Collection = module.built_in()
        return result
    path = local_path(name) or _download(name, module, on_event)
    return replace(formats.read(plant(path), module.CLASS_NAMES), name=name)


def _download(name: str, module: ModuleType, on_event: Listener) -> Path:
    folder = cache_folder() / name
    try:
        for file in module.FILES:
            fetch(file, folder, on_event)
    except DownloadError as error:
        wanted = ", ".join(file.name for file in module.FILES)
        sources = ", ".join(file.urls[0] for file in module.FILES)
        raise DownloadError(
            f"{name}: {error.given}",
            f"a network, or these files at hand: {wanted}",
            f"download them elsewhere ({sources}) and put them into {folder}, or into a folder {name}/ of the folder "
            "that $TELLAPART_DATA names; a broken-off download goes on when the command is run again",
        ) from error
    return folder

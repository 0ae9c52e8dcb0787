"""Data sets by name: one file per data set, found by listing this folder.

A data set is a module. Its docstring describes it. It has `CLASS_NAMES` (in label order; None if the files have them)
and either of these:

    FILES: tuple[Remote, ...]        the files to download, once, with their hashes
    def built_in() -> Collection     for a data set that needs no files

The files are searched in `$TELLAPART_DATA/<name>`, then `$TELLAPART_DATA/<name>.zip`, in any format that tellapart
reads; then in the cache; then they are downloaded. Shared helpers are in the files whose name starts with an
underscore; a data set never imports another data set.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import platformdirs

from tellapart import leaves
from tellapart.data import formats
from tellapart.data.archives import open_tree
from tellapart.data.collection import Collection
from tellapart.data.download import fetch
from tellapart.data.layout import Layout
from tellapart.errors import DownloadError
from tellapart.progress import Listener, silent


def names() -> tuple[str, ...]:
    """Return the names of all data sets, in plain string order."""
    return leaves.names(__name__)


def load(name: str) -> ModuleType:
    """Return the module of a data set. Raises UsageError for a name that does not exist."""
    return leaves.load(__name__, name, "a data set")


def cache_folder() -> Path:
    """Return the folder for downloads: `$TELLAPART_CACHE`, or the system's folder for caches."""
    return Path(os.environ.get("TELLAPART_CACHE") or platformdirs.user_cache_dir("tellapart"))


def local_path(name: str) -> Path | None:
    """Return where a data set is on this machine, or None. `$TELLAPART_DATA` comes before the cache."""
    home = os.environ.get("TELLAPART_DATA")
    for path in (Path(home) / name, Path(home) / f"{name}.zip") if home else ():
        if path.exists():
            return path
    folder = cache_folder() / name
    files = load(name).FILES
    complete = all(
        (folder / file.name).is_file() and (folder / file.name).stat().st_size == file.size for file in files
    )
    return folder if complete else None


def is_here(name: str) -> bool:
    """Return whether a data set can be read without a download."""
    return hasattr(load(name), "built_in") or local_path(name) is not None


def where(name: str) -> str:
    """Return where a data set would be read from, as text."""
    if hasattr(load(name), "built_in"):
        return "comes with scikit-learn"
    path = local_path(name)
    size = sum(file.size for file in load(name).FILES)
    return str(path) if path else f"to be downloaded once ({size / 1e6:.0f} MB)"


def read(name: str, on_event: Listener = silent) -> Collection:
    """Read a data set. Raises DownloadError, which names the files and their folder, if there is no network."""
    module = load(name)
    if hasattr(module, "built_in"):
        collection: Collection = module.built_in()
        return collection
    path = local_path(name) or _download(name, module, on_event)
    return replace(formats.read(open_tree(path), Layout(module.CLASS_NAMES)), name=name)


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
            f"a network connection, or these files on this machine: {wanted}",
            f"download them elsewhere ({sources}) and put them into {folder}, or into a folder {name}/ in "
            "$TELLAPART_DATA; an interrupted download resumes when the command is run again",
        ) from error
    return folder

"""From what a person names - a path, a data set's name, a collection - to the collection."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tellapart.data import datasets, formats
from tellapart.data.archives import plant
from tellapart.data.collection import Collection
from tellapart.errors import UsageError, did_you_mean
from tellapart.progress import Listener, silent


def open_collection(
    source: Any, class_names: Sequence[str] | str | os.PathLike[str] | None = None, on_event: Listener = silent
) -> Collection:
    """Open labelled pictures; reading them is lazy.

    `source` is a data set's name, a path to any format that tellapart reads, a Collection, or a pair of arrays
    (pictures [count, height, width(, channels)] 0..255, labels [count]). `class_names`, in label order, is a list or
    the path of a text file with a name a line.

    Raises UsageError for a name or path that does not exist, DataError for faulty data, DownloadError.
    """
    names = read_class_names(class_names)
    found = _opened(source, names, on_event)
    return found if names is None else replace(found, named=True)


def _opened(source: Any, names: list[str] | None, on_event: Listener) -> Collection:
    if isinstance(source, Collection):
        return source if names is None else source.with_class_names(names)
    if isinstance(source, tuple) and len(source) == 2:
        return Collection.from_arrays(*source, class_names=names)
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(f"a source of type {type(source).__name__}", "a name, a path or a Collection", "give one")
    text = os.fspath(source)
    if text in datasets.names():
        return _named(text, names, on_event)
    path = Path(text).expanduser()
    if not os.path.exists(path):  # noqa: PTH110  # Path.exists raises where a path may not be looked at
        near = _near(path)
        raise UsageError(
            f"{text!r} is neither a file or folder here nor a data set's name",
            "a path, or one of the names that 'tellapart datasets' lists",
            f"did you mean {near}?" if near else f"check the spelling; {did_you_mean(text, datasets.names())}",
        )
    found = formats.read(plant(path), names)
    if found.source in datasets.names():  # which says nothing of a file or folder any more
        found = replace(found, source=os.path.join(os.curdir, found.source))  # noqa: PTH118  # a Path would drop the dot
    return found


def read_class_names(names: Sequence[str] | str | os.PathLike[str] | None) -> list[str] | None:
    """Class names from a list, or from a text file with one a line. Raises UsageError for a file without any."""
    if names is None:
        return None
    if not isinstance(names, (str, os.PathLike)):
        return [str(name) for name in names]
    path = Path(names).expanduser()
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})",
            "a text file, one class name a line",
            "check the path",
        ) from error
    if not any(lines):
        raise UsageError(f"{path}: holds no class names", "one class name a line, in label order", "fill it")
    return [line for line in lines if line]


def _near(path: Path) -> Path | None:
    """What lies where `path` should and is called nearly so."""
    try:
        names = [found.name for found in path.parent.iterdir()]
    except OSError:
        return None
    near = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return path.with_name(near[0]) if near else None


def _named(name: str, class_names: list[str] | None, on_event: Listener) -> Collection:
    collection = replace(datasets.read(name, on_event), source=name)
    if class_names is not None:
        collection = collection.with_class_names(class_names)
    if Path(name).exists():
        note = f"{name} is the data set of that name, not the file or folder here; write ./{name} for that"
        collection = replace(collection, notes=(*collection.notes, note))
    return collection

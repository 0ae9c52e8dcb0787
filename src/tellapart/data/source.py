"""Open labelled pictures by path, by the name of a data set, or from arrays."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

from tellapart.data import datasets, formats
from tellapart.data.archives import open_tree
from tellapart.data.class_names import with_clear_names
from tellapart.data.collection import Collection
from tellapart.data.file_range import with_value_range
from tellapart.data.layout import Layout, Said, separator
from tellapart.errors import UsageError, did_you_mean
from tellapart.progress import Listener, silent


def open_collection(
    source: Any,
    class_names: Sequence[str] | str | os.PathLike[str] | None = None,
    on_event: Listener = silent,
    **layout: Unpack[Said],
) -> Collection:
    r"""Open labelled pictures; reading them is lazy.

    `source` is the name of a data set, a path to any format that tellapart reads, a Collection, or a pair of arrays
    (pictures [count, height, width(, channels)] 0..255, labels [count]). `class_names`, in label order, is a list or
    the path of a text file with one name per line. What the source does not make clear can be given:

    - `label`: `parent` or `grandparent` for the folder that names the class, a column of the table, or a regular
      expression for the path relative to the source, whose first group is the label, such as `(cat|dog)\.\d+`.
    - `image_column`, `split_column`: the columns of the table with file names and splits.
    - `images`: the folder that the file names in the table are relative to.
    - `delimiter`: the character between the columns of a text table, or its name, such as `tab`.

    Raises UsageError for a name or path that does not exist and for a layout that the source does not have, DataError
    for faulty data, and DownloadError.
    """
    names = read_class_names(class_names)
    delimiter = separator(layout.get("delimiter"))
    collection = _open(source, replace(Layout(names, **layout), delimiter=delimiter), on_event)
    return collection if names is None else replace(collection, named=True)


def _check_nothing_said(source: Any, layout: Layout) -> None:
    """Raise UsageError if a layout is described for data in memory, or for a named data set.

    A collection may come with what it was opened with, as when a run is resumed.
    """
    if layout.said and layout.said != getattr(source, "said", None):
        what = f"the data set {source}" if isinstance(source, str) else "pictures in memory"
        raise UsageError(
            f"{layout.as_options()} with {what}",
            "a folder, an archive or a table, of which the layout may be unclear",
            "leave the option out",
        )


def _open(source: Any, layout: Layout, on_event: Listener) -> Collection:
    names = layout.class_names
    if not isinstance(source, (str, os.PathLike)) or os.fspath(source) in datasets.names():
        _check_nothing_said(source, layout)
    if isinstance(source, Collection):
        return source if names is None else source.with_class_names(names)
    if isinstance(source, tuple) and len(source) == 2:
        return with_clear_names(Collection.from_arrays(*source, class_names=names))
    if not isinstance(source, (str, os.PathLike)):
        raise UsageError(f"a source of type {type(source).__name__}", "a name, a path or a Collection", "")
    text = os.fspath(source)
    if text in datasets.names():
        return _named(text, names, on_event)
    path = Path(text).expanduser()
    if not os.path.exists(path):  # noqa: PTH110  # Path.exists raises for a path without permission
        similar = _similar(path)
        raise UsageError(
            f"{text!r} is not a file, a folder or the name of a data set",
            "a path, or one of the names that 'tellapart datasets' lists",
            f"did you mean {similar}?" if similar else f"check the spelling; {did_you_mean(text, datasets.names())}",
        )
    collection = formats.read(open_tree(path), layout)
    collection = with_clear_names(replace(collection, named=names is not None, said=layout.said))
    collection = with_value_range(collection)
    if collection.source in datasets.names():  # so that the source is not taken for the data set later
        source = os.path.join(os.curdir, collection.source)  # noqa: PTH118  # a Path would drop the dot
        collection = replace(collection, source=source)
    return collection


def read_class_names(names: Sequence[str] | str | os.PathLike[str] | None) -> list[str] | None:
    """Return class names from a list or a text file with one per line. Raises UsageError for a file without names."""
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
            "a text file with one class name per line",
            "check the path",
        ) from error
    if not any(lines):
        raise UsageError(f"{path}: contains no class names", "one class name per line, in label order", "")
    return [line for line in lines if line]


def _similar(path: Path) -> Path | None:
    """Return a file or folder in the same folder with a similar name, or None."""
    try:
        names = [neighbour.name for neighbour in path.parent.iterdir()]
    except OSError:
        return None
    similar = difflib.get_close_matches(path.name, names, n=1, cutoff=0.75)
    return path.with_name(similar[0]) if similar else None


def _named(name: str, class_names: Sequence[str] | None, on_event: Listener) -> Collection:
    collection = replace(datasets.read(name, on_event), source=name)
    if class_names is not None:
        collection = collection.with_class_names(class_names)
    if Path(name).exists():
        note = f"{name} is the data set with this name; for the file or folder here, write ./{name}"
        collection = replace(collection, notes=(*collection.notes, note))
    return collection

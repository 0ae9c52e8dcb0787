"""The clean manifest of check: a table that leaves bad pictures out and moves labels that are almost surely wrong."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.tables import separator
from tellapart.errors import UsageError
from tellapart.files import free_path, plain_name, write_text
from tellapart.text import counted
from tellapart.verbs._outside import outside

MANY = 0.2
"""A warning is printed for each class of which the clean manifest leaves out more than this share."""


def check_manifest(collection: Collection, path: Path) -> None:
    """Raise UsageError unless a clean manifest of the collection can be written to a path."""
    _check_files(collection)
    _check_target(collection, path)
    _files_seen_from(path, collection)


def command_problem(collection: Collection) -> str:
    """Return why no clean manifest of the collection can be written; empty if it can."""
    try:
        _check_files(collection)
    except UsageError:
        return "the pictures are not separate files (unpack them first)"
    return ""


def default_manifest(collection: Collection) -> Path:
    """Return a free name for the clean manifest: in the current folder, or next to the data if that is inside it."""
    try:
        folder = outside(collection) or Path()
    except PermissionError:  # the user knows a better place
        folder = Path.home()
    return free_path(folder / f"{plain_name(collection.name)}-clean.csv")


def _check_files(collection: Collection) -> None:
    """Raise UsageError unless the pictures are files, which a manifest can name."""
    pictures = collection.pictures
    if not isinstance(pictures, EncodedPictures) or not any(
        Path(pictures.describe(i)).is_file() for i in range(min(len(pictures), 100))
    ):
        raise UsageError(
            f"--write-manifest: the pictures of {collection.source} are not separate files",
            "a folder of picture files",
            "unpack it first, or leave --write-manifest out",
        )


def _check_target(collection: Collection, path: Path) -> None:
    """Raise UsageError if the file exists, is inside the data, or is not named as a table.

    An existing file may be the only list of the labels, of this data or of other data. A table inside the data's folder
    would be read in place of the folders.
    """
    source, target = Path(collection.source).resolve(), path.resolve()
    if path.suffix.lower() not in (".csv", ".tsv"):
        raise UsageError(f"--write-manifest {path}: must end in .csv or .tsv", "a .csv or .tsv file", "")
    if path.exists():
        raise UsageError(
            f"--write-manifest {path}: already exists, and may hold the only copy of some labels",
            "the name of a new file",
            "choose another name, or remove that file first",
        )
    if source in target.parents:
        raise UsageError(
            f"--write-manifest {path}: is inside the data, which would be read from it from then on",
            "a file outside the folder",
            f"choose a name next to it, such as {source.parent / path.name}",
        )


def losses(collection: Collection, left_out: Set[int]) -> list[str]:
    """A warning for each class of which the clean manifest leaves out a large share."""
    lost, had = collection.class_counts(np.array(sorted(left_out), np.int64)), collection.class_counts()
    return [
        f"manifest: {lost[c]:,} of {counted(int(had[c]), 'picture')} of {name} are left out: check the page first"
        for c, name in enumerate(collection.class_names)
        if lost[c] > MANY * had[c]
    ]


def write_manifest(collection: Collection, left_out: Set[int], moved: Mapping[int, str], path: Path) -> None:
    """Write file_name, label and, if the data has them, split, group and the other columns of its table.

    `left_out` are pictures that get no row, `moved` the new labels of others. File names are relative to the table.
    """
    columns: dict[str, Any] = {"split": collection.splits, "group": collection.groups}
    kept = {name: values for name, values in columns.items() if values is not None}
    kept |= {name: values for name, values in collection.columns.items() if name not in ("file_name", "label", *kept)}
    buffer = io.StringIO()
    files = _files_seen_from(path, collection)
    writer = csv.writer(buffer, delimiter=separator(path.name), lineterminator="\n")
    writer.writerow(("file_name", "label", *kept))
    for i in range(len(collection)):
        if i not in left_out:
            label = moved.get(i, collection.label(i))
            writer.writerow((files[i], label, *(values[i] for values in kept.values())))
    write_text(path, buffer.getvalue())


def _files_seen_from(path: Path, collection: Collection) -> list[str]:
    """The files of a collection, relative to a table at `path`. Raises UsageError for names that no table can hold."""
    assert isinstance(collection.pictures, EncodedPictures)  # checked by `_check_files`
    folder = path.parent.resolve()  # with a link, .. would lead elsewhere
    files = [_relative(folder, collection.pictures.describe(i)) for i in range(len(collection))]
    odd = [file for file in files if file != file.encode("utf-8", "replace").decode()]
    if odd:
        shown = odd[0].encode("utf-8", "backslashreplace").decode()
        raise UsageError(
            f"--write-manifest: a table cannot hold {counted(len(odd), 'file name')} ({shown})",
            "names in UTF-8",
            "rename these files first, or leave --write-manifest out",
        )
    return files


def _relative(folder: Path, file: str) -> str:
    """The path of a file relative to a folder; absolute if there is no relative one, as to another drive."""
    whole = Path(file).absolute()
    try:
        return Path(os.path.relpath(whole, folder)).as_posix()
    except ValueError:
        return whole.as_posix()

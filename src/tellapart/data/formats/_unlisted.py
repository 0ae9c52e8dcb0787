"""Report the pictures of a tree that its tables do not list: test pictures without labels, or pictures left out."""

from __future__ import annotations

import os
import posixpath
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from tellapart.data.formats._choice import Candidate
from tellapart.data.formats._file_index import FileIndex
from tellapart.data.formats._tables import read_table
from tellapart.data.layout import Layout
from tellapart.data.tree import Tree
from tellapart.data.words import Words
from tellapart.errors import TellapartError
from tellapart.images.read import looks_like_picture
from tellapart.text import counted

NAMED = 3
"""Folders in a line."""


def unlisted(
    tree: Tree, listed: Iterable[str], labels: set[str], chosen: Sequence[str], elsewhere: Iterable[str]
) -> tuple[list[str], list[str]]:
    """Return lines about pictures that are not listed: as information, and as notes where labelled ones may be lost.

    A note is for pictures in the folders of listed ones, and in folders beside these that are called like them by their
    labels. `elsewhere` are the files of tables without labels, which are test pictures.
    """
    pictures = {name for name in tree.names if "." in posixpath.basename(name) and looks_like_picture(name)}
    if tree.single or not pictures:
        return [], []
    total = len(pictures)
    home = os.path.abspath(tree.path).replace(os.sep, "/") + "/"  # noqa: PTH100  # without following links
    used = {posixpath.normpath(name).removeprefix(home) for name in listed}
    rest = pictures - used - set(elsewhere)
    folders = {posixpath.dirname(name) for name in used}
    sorted_by_label = {posixpath.dirname(folder) for folder in folders if posixpath.basename(folder) in labels}
    lost = [
        name for name in rest
        if posixpath.dirname(name) in folders or posixpath.dirname(posixpath.dirname(name)) in sorted_by_label
    ]  # fmt: skip
    notes = []
    if lost:
        tables = " and ".join(chosen[:NAMED])
        notes.append(
            f"{tables} {'lists' if len(chosen) == 1 else 'list'} {counted(total - len(rest), 'picture')} of {total:,}; "
            f"{len(lost):,} in the same folders {'is' if len(lost) == 1 else 'are'} not used ({min(lost)}"
            f"{', ...' if len(lost) > 1 else ''})"
        )
    return _skipped(rest.difference(lost)) + _tested(pictures & set(elsewhere) - used), notes


def _skipped(names: Iterable[str]) -> list[str]:
    counts = Counter(posixpath.dirname(name).split("/")[0] for name in names)
    lines = [
        f"skipped: {folder} ({counted(count, 'picture')} not in the table)"
        if folder
        else f"skipped: {counted(count, 'picture')} outside folders, not in the table"
        for folder, count in sorted(counts.items())[:NAMED]
    ]
    more = len(counts) - NAMED
    return [*lines, f"skipped: {counted(more, 'more folder')} of pictures not in the table"] if more > 0 else lines


def _tested(names: set[str]) -> list[str]:
    return [f"skipped: {counted(len(names), 'picture')} without labels, in tables of test pictures"] if names else []


def contradicted(
    tree: Tree, files: Words, labels: np.ndarray, classes: Sequence[str], tables: Sequence[str]
) -> list[str]:
    """Return a note about pictures in the folder of another class than their label, where most are in their own."""
    position = {name: i for i, name in enumerate(classes)}
    if len({posixpath.basename(folder) for folder in tree.picture_folders} & position.keys()) < 2:
        return []
    folders = np.array([position.get(posixpath.basename(posixpath.dirname(file)), -1) for file in files])
    wrong = np.flatnonzero((folders != labels) & (folders >= 0))
    if not 0 < len(wrong) < (folders == labels).sum():
        return []
    i, count = int(wrong[0]), len(wrong)
    have = "has a label other than its folder" if count == 1 else "have a label other than their folder"
    return [
        f"{' and '.join(tables[:NAMED])}: {counted(count, 'picture')} {have} ({files[i]}: {classes[labels[i]]}); "
        "the label is used"
    ]


def files_of(tree: Tree, candidates: Sequence[Candidate], layout: Layout) -> set[str]:
    """Return the files of tables that are not read, as far as they exist."""
    names: set[str] = set()
    for candidate in candidates:
        if candidate.roles.file is None or candidate.roles.labelled or candidate.found < 0.5:
            continue
        try:
            table = read_table(tree, candidate.name, layout)
            if table is not None:
                index = FileIndex(tree, candidate.name, layout.images)
                names |= set(index.resolve(table.frame[candidate.roles.file].drop_nulls(), table.where).names)
        except TellapartError:  # a table that is not used need not be complete
            continue
    return names

"""Name what a source contains besides the pictures of its collection: other files, and folders without pictures."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from tellapart.data.collection import Collection
from tellapart.data.formats._pictures import PictureFiles
from tellapart.data.split_names import CONTAINERS, split_named
from tellapart.data.tree import FolderTree, Tree, hidden, other_files
from tellapart.images.read import looks_like_picture
from tellapart.text import counted, readable

NAMED = 3
"""Names in a sentence."""


def passed_over(collection: Collection) -> list[str]:
    """Return sentences about files and folders that were not read, and about pictures deeper than their class folder.

    What the collection itself reports is not repeated, such as pictures that its tables do not list. Empty for
    collections that were not opened from a folder or an archive of picture files.
    """
    files = collection.pictures
    if not isinstance(files, PictureFiles) or files.tree.single or files.tables:
        return []
    if not os.path.exists(collection.source):  # noqa: PTH110  # as in source.py
        return []
    return [*_other_files(files.tree, _not_used(collection)), *_folders(files.tree), *_deeper(collection)]


def _folders_of(key: str) -> list[str]:
    return [readable(folder) for folder in key.split("/")[:-1]]


def _not_used(collection: Collection) -> set[str]:
    """The tables that the collection names as not used."""
    lines = [line for line in collection.inferred if line.startswith("not used: ")]
    return {name for line in lines for name in re.split("not used: |, | and ", line)}


def _other_files(tree: Tree, known: set[str]) -> list[str]:
    """Files that are not pictures; the collection's notes name those with unusual extensions."""
    noted = known | set(other_files(tree))
    others = [name for name in tree.names if name not in noted and not looks_like_picture(name)]
    return [f"passed over: {_not_pictures(len(others))}{_named(others)}"] if others else []


def _not_pictures(count: int) -> str:
    return "1 file that is not a picture" if count == 1 else f"{count:,} files that are not pictures"


def _named(names: Sequence[str], end: str = "") -> str:
    """The first names in brackets."""
    more = ", ..." if len(names) > NAMED else ""
    return f" ({', '.join(name + end for name in names[:NAMED])}{more})"


def _folders(tree: Tree) -> list[str]:
    """Folders on the disk, at the level of class folders or above, that contain no pictures, also not deeper."""
    if not isinstance(tree, FolderTree):
        return []
    with_pictures = {
        parent.as_posix() for folder in tree.picture_folders if folder for parent in _and_parents(PurePosixPath(folder))
    }
    empty = sorted(name for name in _visible_folders(tree.root, with_pictures))
    return (
        [f"passed over: {counted(len(empty), 'folder')} without pictures to read{_named(empty, '/')}"] if empty else []
    )


def _and_parents(folder: PurePosixPath) -> list[PurePosixPath]:
    return [folder, *list(folder.parents)[:-1]]


def _visible_folders(root: Path, with_pictures: set[str]) -> list[str]:
    """Folders without pictures, by their name relative to the root; those inside such a folder are not listed."""
    waiting, empty = [""], []
    while waiting:
        prefix = waiting.pop()
        for entry in os.scandir(root / prefix):
            name = prefix + entry.name
            if hidden(entry.name) or not entry.is_dir(follow_symlinks=False):
                continue
            if name in with_pictures:
                waiting.append(f"{name}/")
            else:
                empty.append(name)
    return empty


def _deeper(collection: Collection) -> list[str]:
    """Pictures in subfolders of their class folder; split folders and `images` in it do not count."""
    deep = []
    for i, key in enumerate(collection.keys):
        folders = _folders_of(key)
        if collection.label(i) not in folders:  # the class was given another name
            continue
        inside = folders[folders.index(collection.label(i)) + 1 :]
        if any(split_named(folder) is None and folder.lower() not in CONTAINERS for folder in inside):
            deep.append(key)
    if not deep:
        return []
    lie = "1 picture lies in a subfolder" if len(deep) == 1 else f"{len(deep):,} pictures lie in subfolders"
    return [f"{lie} of {'its' if len(deep) == 1 else 'their'} class folder, such as {deep[0]}"]

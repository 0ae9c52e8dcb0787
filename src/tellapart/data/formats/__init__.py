"""The formats of labelled pictures: one file per format, found by listing this folder.

A format is a module. The first line of its docstring says what it reads. It has three functions:

    match(tree) -> Match                           how well the tree fits; see Match for the levels
    read(tree, class_names) -> Collection          raises DataError, which names the file, row or class at fault
    write(collection, folder) -> None              writes files into an empty folder, which `read` reads back unchanged

`class_names` are the names that the caller gave, in label order, or None. A tree is a folder, a zip, a tar or one file.
One stray file of a format in a tree of class folders must get a lower level than the class folders (Match.LAYOUT).
tests/contracts/test_formats.py tests every file of this folder. Shared helpers are in the files whose name starts with
an underscore; a format never imports another format.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tellapart import leaves
from tellapart.data.collection import Collection
from tellapart.data.formats._match import Match as Match
from tellapart.data.tree import Tree
from tellapart.errors import DataError


class Format(Protocol):
    """What `read` needs of a format's module."""

    def match(self, tree: Tree) -> Match:
        """Return how well a tree fits this format."""

    def read(self, tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
        """Read the tree. Raises DataError."""


def names() -> tuple[str, ...]:
    """Return the names of all formats, in plain string order."""
    return leaves.names(__name__)


def load(name: str) -> Format:
    """Return the module of a format. Raises UsageError for a name that does not exist."""
    return leaves.load(__name__, name, "a format")


def best_match(tree: Tree, formats: Sequence[Format]) -> tuple[Format, Match]:
    """Return the format with the highest level for a tree, and that level; of several, the first in the sequence."""
    levels = [format_.match(tree) for format_ in formats]
    best = levels.index(max(levels))
    return formats[best], levels[best]


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """Read a tree with the format that fits best. Raises DataError where none fits, or where the data is faulty."""
    best, level = best_match(tree, [load(name) for name in names()])
    if level == Match.NONE:
        shown = ", ".join(tree.names[:3]) + (", ..." if len(tree.names) > 3 else "")
        raise DataError(
            f"{tree.path}: contains no labelled pictures in a known format" + ("" if tree.single else f" ({shown})"),
            "class folders of pictures, a manifest, a pixel CSV, IDX, NPZ or Parquet files",
            "run 'tellapart formats' to see what each format looks like",
        )
    result: Collection = best.read(tree, class_names)
    return result

"""How well a tree of files fits a format: the levels that formats answer with."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from tellapart.data.tree import Tree


class Match(IntEnum):
    """How well a tree fits a format, by the kind of evidence, weakest first.

    The format with the highest level reads the tree. Of several with the same level, the first by name does.
    """

    NONE = 0
    """The tree has no file of this format."""

    STRAY = 1
    """A file with the right extension and the wrong content, or one data file in a tree of class folders."""

    POSSIBLE = 2
    """This format may be meant, but something is missing. Reading the tree explains what."""

    INCOMPLETE = 3
    """A table of this format that lacks a column, or that lists files which do not exist."""

    LAYOUT = 4
    """Folders in the layout of this format: two class folders of pictures or more."""

    NAMES = 5
    """Several files whose names belong together in this format."""

    COLUMNS = 6
    """A table with the columns of this format."""

    CERTAIN = 7
    """Files with names that were published for this format, or with content that no other format has."""


def is_stray(tree: Tree, files: Sequence[str]) -> bool:
    """Return whether the data files of a format are one file only, in a tree with two class folders or more."""
    return len(files) == 1 and len(tree.picture_folders - {""}) > 1

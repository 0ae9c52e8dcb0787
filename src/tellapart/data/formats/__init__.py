"""The formats of labelled pictures: one file per format, found by listing this folder.

A format is a module. The first line of its docstring says what it reads. It has three functions:

    match(tree, layout) -> Match           how well the tree fits; see Match for the levels
    read(tree, layout) -> Collection       raises DataError, which names the file, row or class at fault
    write(collection, folder) -> None      writes files into an empty folder, which `read` reads back unchanged

A tree is a folder, a zip, a tar or one file. The layout is what the caller gave. A format that can honour more
of it than the class names lists these attributes of Layout in a constant, USES; the others do not read a source
for which more was given.

One stray file of a format in a tree of class folders must get a lower level than the class folders (Match.LAYOUT).
tests/contracts/test_formats.py tests every file of this folder. Shared helpers are in the files whose name starts with
an underscore; a format never imports another format.
"""

from __future__ import annotations

from collections.abc import Collection as Container
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

from tellapart import leaves
from tellapart.data.collection import Collection
from tellapart.data.formats._match import Match as Match
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.tree import Tree
from tellapart.errors import DataError, TellapartError, UsageError


class Format(Protocol):
    """What `read` needs of a format's module."""

    def match(self, tree: Tree, layout: Layout = INFERRED) -> Match:
        """Return how well a tree fits this format."""

    def read(self, tree: Tree, layout: Layout = INFERRED) -> Collection:
        """Read the tree. Raises DataError."""


def names() -> tuple[str, ...]:
    """Return the names of all formats, in plain string order."""
    return leaves.names(__name__)


def load(name: str) -> Format:
    """Return the module of a format. Raises UsageError for a name that does not exist."""
    return leaves.load(__name__, name, "a format")


def best_match(tree: Tree, formats: Sequence[Format], layout: Layout = INFERRED) -> tuple[Format, Match]:
    """Return the format with the highest level for a tree, and that level; of several, the first in the sequence."""
    levels = [format_.match(tree, layout) for format_ in formats]
    best = levels.index(max(levels))
    return formats[best], levels[best]


def uses(format_: Format) -> Container[str]:
    """Return what a format can honour of a layout, besides the class names."""
    listed: Container[str] = getattr(format_, "USES", ())
    return listed


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read a tree with the format that fits best.

    Raises DataError where none fits, or where the data is faulty, and UsageError where the best one that can honour the
    layout does not fit.
    """
    modules = [load(name) for name in names()]
    able = [module for module in modules if all(name in uses(module) for name in layout.said)]
    best, level = best_match(tree, able, layout) if able else (modules[0], Match.NONE)
    if level == Match.NONE and layout.said:
        raise _of_no_use(tree, layout)
    if level == Match.NONE:
        raise _unknown(tree)
    result: Collection = best.read(tree, layout)
    return result


_OTHERS = {
    b"\x89HDF\r\n\x1a\n": "an HDF5 file",
    b"MATLAB 5.0 MAT-file": "a MATLAB file",
    b"\x80\x02": "a Python pickle",
    b"\x80\x03": "a Python pickle",
    b"\x80\x04": "a Python pickle",
    b"\x80\x05": "a Python pickle",
}
"""Files that hold arrays and are not read, by their first bytes."""


def _unknown(tree: Tree) -> DataError:
    """Return the error for a tree that no format fits; it names a file of arrays among the first files."""
    shown = ", ".join(tree.names[:3]) + (", ..." if len(tree.names) > 3 else "")
    action = "run 'tellapart formats' to see what each format looks like"
    other = next(filter(None, (_other_kind(tree, name) for name in tree.names[:20])), "")
    if other:
        shown = other
        action = "load it yourself, and save its arrays with numpy.savez('data.npz', x=pictures, y=labels)"
    return DataError(
        f"{tree.path}: contains no labelled pictures in a known format"
        + ("" if tree.single and not other else f" ({shown})"),
        "class folders of pictures, a manifest, a pixel CSV, IDX, NPZ or Parquet files",
        action,
    )


def _other_kind(tree: Tree, name: str) -> str:
    """Return what a file of arrays is, in words; "" for other files and those that cannot be read."""
    with suppress(TellapartError):
        start = tree.start(name, 20)
        return next((f"{name} is {kind}" for mark, kind in _OTHERS.items() if start.startswith(mark)), "")
    return ""


def _of_no_use(tree: Tree, layout: Layout) -> UsageError:
    return UsageError(
        f"{layout.as_options()}: not possible for {tree.path}",
        "picture files in folders (--label), or a table that lists picture files (all of these options)",
        "leave it out to see what is inferred",
    )

"""The formats that labelled pictures come in: one file a format, found by listing this folder.

A format is a module whose docstring says in one line what it reads, with

    likeness(tree) -> int                          0 when the tree is none of its kind, else how sure it is, to 100
    read(tree, class_names) -> Collection          raises DataError that names the file, row or class at fault
    write(collection, folder) -> None              files in an empty folder that `read` gives back, pictures and all

`class_names` are those that the person gave in label order, or None. A tree is a folder, a zip, a tar or one file.
tests/contracts/test_formats.py meets every file of this folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from tellapart import leaves
from tellapart.data.collection import Collection
from tellapart.data.tree import Tree
from tellapart.errors import DataError


def names() -> tuple[str, ...]:
    """All formats by name."""
    return leaves.names(__name__)


def load(name: str) -> ModuleType:
    """The module of a format."""
    return leaves.load(__name__, name, "a format")


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """Read a tree with the format that it is most like. Raises DataError where it is like none."""
    modules = [load(name) for name in names()]
    best = max(modules, key=lambda module: module.likeness(tree))
    if best.likeness(tree) == 0:
        shown = ", ".join(tree.names[:3]) + (", ..." if len(tree.names) > 3 else "")
        raise DataError(
            f"{tree.path}: holds no labelled pictures that could be read" + ("" if tree.single else f" ({shown})"),
            "class folders of pictures, a manifest, a pixel CSV, IDX, NPZ or Parquet files",
            "see 'tellapart formats' for what each looks like",
        )
    result: Collection = best.read(tree, class_names)
    return result

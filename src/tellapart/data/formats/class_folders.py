"""A folder per class, with or without split folders: `train/cat/1.jpg`, `training_set/cats/1.jpg` or `cat/1.jpg`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._match import Match
from tellapart.data.formats._pictures import picture_files, png
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import SPLITS, split_named
from tellapart.data.tree import Tree, other_files, pictures_of
from tellapart.errors import DataError
from tellapart.text import counted, readable


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match pictures in several folders; pictures in one folder or in none match less, so that the error is useful."""
    if tree.single or not tree.picture_folders:
        return Match.NONE
    return Match.LAYOUT if len(tree.picture_folders - {""}) > 1 else Match.POSSIBLE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Classes are in plain string order of the folder names, as in Keras."""
    names = pictures_of(tree)
    if not names:
        raise DataError(f"{tree.path}: contains no pictures", "pictures in class folders", "check the path")
    prefix = _wrapper(names)
    rows = _rows(names, prefix)
    loose = [name for name, (_, label) in zip(names, rows, strict=True) if label is None]
    if loose and len(loose) == len(names):
        raise DataError(
            f"{tree.path}: {counted(len(loose), 'picture')} outside class folders ({loose[0]}), and none in one",
            "one folder per class, named after the class: cats/1.jpg, dogs/2.jpg",
            "move the pictures into class folders, or add a manifest CSV with the columns file_name and label",
        )
    kept = [(name, split, label) for name, (split, label) in zip(names, rows, strict=True) if label is not None]
    order = tuple(layout.class_names or sorted({label for _, _, label in kept}))
    position = {name: i for i, name in enumerate(order)}
    unknown = next((label for _, _, label in kept if label not in position), None)
    if unknown is not None:
        raise DataError(
            f"{tree.path}: the folder {unknown!r} is not one of the class names",
            ", ".join(order[:10]),
            "rename the folder, or add the class name",
        )
    splits = [split or "train" for _, split, _ in kept] if any(split for _, split, _ in kept) else None
    return Collection(
        name=Path(tree.path.name).stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=order,
        labels=np.array([position[label] for _, _, label in kept], np.int64),
        keys=[name.removeprefix(prefix) for name, _, _ in kept],
        splits=None if splits is None else np.array(splits),
        pictures=picture_files(tree, [name for name, _, _ in kept]),
        notes=_notes(tree, loose, kept),
    )


def write(collection: Collection, folder: Path) -> None:
    """Write PNG files, in split folders where the collection has splits."""
    for i in range(len(collection)):
        split = "" if collection.splits is None else collection.splits[i]
        home = folder / split / collection.label(i)
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{i:06d}.png").write_bytes(png(collection, i))


def _wrapper(names: list[str]) -> str:
    """Return the folders above the split and class folders that contain everything: `flowers/` in flowers.zip."""
    prefix = ""
    while True:
        rest = [name[len(prefix) :] for name in names if name.startswith(prefix)]
        rest = [name for name in rest if "/" in name]  # files next to the wrapping folder do not matter
        tops = {name.split("/", 1)[0] for name in rest}
        deeper = sum(name.count("/") > 1 for name in rest)  # nor do a few files in it: a cover, a contact sheet
        if len(tops) != 1 or 2 * deeper <= len(rest) or split_named(next(iter(tops))):
            return prefix
        prefix += next(iter(tops)) + "/"


def _rows(names: list[str], prefix: str) -> list[tuple[str | None, str | None]]:
    """Return the split and the class of each picture, None where it has none.

    A folder that is named after a split and contains pictures directly is not a class if other such folders contain
    class folders, or if all folders are named after splits: the unlabelled test pictures of competitions are like that.
    """
    inside = [name.removeprefix(prefix).split("/")[:-1] if name.startswith(prefix) else [] for name in names]
    below = [f for f in inside if len(f) == 2 and split_named(f[1]) and not split_named(f[0])]
    if (
        2 * len(below) > len(inside) and len({split_named(f[1]) for f in below}) > 1
    ):  # cat/train, cat/test, dog/train ...
        inside = [f[::-1] if len(f) == 2 and split_named(f[1]) and not split_named(f[0]) else f for f in inside]
    within: dict[str, set[str]] = {}
    for folders in inside:
        if len(folders) > 1:
            within.setdefault(folders[0], set()).add(folders[1])
    doubled = [
        top
        for top, inner in within.items()
        if len(inner) == 1 and split_named(top) == split_named(next(iter(inner))) is not None
    ]
    # Archives are often unpacked into a folder of their own name: test/test/1.jpg next to train/cat/1.jpg.
    inside = [f[1:] if len(f) == 2 and f[0] in doubled and not _is_class(f[1], within, f[0]) else f for f in inside]
    tops = {folders[0] for folders in inside if folders}
    has_splits = any(len(folders) > 1 and split_named(folders[0]) for folders in inside) or all(map(split_named, tops))
    return [(None, None) if has_splits and len(f) == 1 and split_named(f[0]) else _row(f) for f in inside]


def _is_class(word: str, within: dict[str, set[str]], top: str) -> bool:
    """Return whether a folder that is named after a split is a class in another split."""
    return any(word in inner for other, inner in within.items() if other != top)


def _row(folders: list[str]) -> tuple[str | None, str | None]:
    """Return the split and the class of a picture by its folders; folders inside a class folder belong to the class."""
    split = split_named(folders[0]) if len(folders) > 1 else None
    while (
        split is not None and len(folders) > 1 and split_named(folders[0]) == split
    ):  # also training_set/training_set/cats
        folders = folders[1:]
    return split, readable(folders[0]) if folders else None


def _notes(tree: Tree, loose: list[str], kept: list[tuple[str, str | None, str]]) -> tuple[str, ...]:
    notes = []
    if ignored := other_files(tree):
        more = ", ..." if len(ignored) > 1 else ""
        notes.append(
            f"ignored: {counted(len(ignored), 'file')} in picture folders without a picture's extension "
            f"({ignored[0]}{more})"
        )
    if loose:
        more = ", ..." if len(loose) > 1 else ""
        notes.append(f"left out: {counted(len(loose), 'picture')} outside class folders ({loose[0]}{more})")
    outside = sum(split is None for _, split, _ in kept)
    if 0 < outside < len(kept) and any(split in SPLITS for _, split, _ in kept):
        notes.append(f"used for training: {counted(outside, 'picture')} in class folders outside the split folders")
    return tuple(notes)

"""A folder a class, with or without part folders: `train/cat/1.jpg`, `training_set/cats/1.jpg`, or just `cat/1.jpg`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.split_names import SPLITS, split_named
from tellapart.data.tree import Tree, other_files, picture_folders, pictures_of
from tellapart.errors import DataError
from tellapart.text import counted, readable


def likeness(tree: Tree) -> int:
    """Pictures in several folders; in one folder, or loose, they count less, but the error is about them."""
    if tree.single:
        return 0
    folders = picture_folders(tree)
    return 60 if len(folders - {""}) > 1 else 30 if folders - {""} else 10 if folders else 0


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """See the contract. The class order is the plain string sort of the folder names, as Keras's `class_indices`."""
    names = pictures_of(tree)
    if not names:
        raise DataError(f"{tree.path}: holds no pictures", "pictures in class folders", "check the path")
    prefix = _wrapper(names)
    rows = _rows(names, prefix)
    loose = [name for name, (_, label) in zip(names, rows, strict=True) if label is None]
    if loose and len(loose) == len(names):
        raise DataError(
            f"{tree.path}: {counted(len(loose), 'picture')} outside class folders ({loose[0]}), and none in one",
            "one folder a class, its name the label: cats/1.jpg, dogs/2.jpg",
            "move the pictures into class folders, or give a manifest CSV with the columns file_name and label",
        )
    kept = [(name, split, label) for name, (split, label) in zip(names, rows, strict=True) if label is not None]
    order = tuple(class_names or sorted({label for _, _, label in kept}))
    position = {name: i for i, name in enumerate(order)}
    unknown = next((label for _, _, label in kept if label not in position), None)
    if unknown is not None:
        raise DataError(
            f"{tree.path}: the folder {unknown!r} is none of the class names",
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
        pictures=encoded(tree, [name for name, _, _ in kept]),
        notes=_notes(tree, loose, kept),
    )


def encoded(tree: Tree, names: Sequence[str]) -> EncodedPictures:
    """Pictures that are files of a tree."""
    return EncodedPictures(
        len(names),
        lambda i: tree.read(names[i]),
        lambda i: tree.size(names[i]),
        lambda i: tree.describe(names[i]),
        lambda i: tree.stamp(names[i]),
        lambda i, count: tree.start(names[i], count),
    )


def write(collection: Collection, folder: Path) -> None:
    """PNG files, in part folders where the collection states parts."""
    for i in range(len(collection)):
        split = "" if collection.splits is None else collection.splits[i]
        home = folder / split / collection.label(i)
        home.mkdir(parents=True, exist_ok=True)
        write_png(collection, i, home / f"{i:06d}.png")


def write_png(collection: Collection, i: int, path: Path) -> None:
    """Picture i as a lossless file."""
    pixels = collection.read(i)
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(path)


def _wrapper(names: list[str]) -> str:
    """The folders that everything lies in, above the part and class folders: `flowers/` in flowers.zip."""
    prefix = ""
    while True:
        rest = [name[len(prefix) :] for name in names if name.startswith(prefix)]
        rest = [name for name in rest if "/" in name]  # files beside the wrapped folder do not matter
        tops = {name.split("/", 1)[0] for name in rest}
        deeper = sum(name.count("/") > 1 for name in rest)  # nor do few within it: a cover, a contact sheet
        if len(tops) != 1 or 2 * deeper <= len(rest) or split_named(next(iter(tops))):
            return prefix
        prefix += next(iter(tops)) + "/"


def _rows(names: list[str], prefix: str) -> list[tuple[str | None, str | None]]:
    """Part and class of each picture, None where it has none.

    A folder that is called after a part and holds pictures itself is no class where others hold class folders, or where
    there are none but such: unlabelled pictures for a competition's answer lie so.
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
    alone = [
        top
        for top, of in within.items()
        if len(of) == 1 and split_named(top) == split_named(next(iter(of))) is not None
    ]
    # As archives unpack into a folder of their own name: test/test/1.jpg, beside train/cat/1.jpg.
    inside = [f[1:] if len(f) == 2 and f[0] in alone and not _is_class(f[1], within, f[0]) else f for f in inside]
    tops = {folders[0] for folders in inside if folders}
    parted = any(len(folders) > 1 and split_named(folders[0]) for folders in inside) or all(map(split_named, tops))
    return [(None, None) if parted and len(f) == 1 and split_named(f[0]) else _row(f) for f in inside]


def _is_class(word: str, within: dict[str, set[str]], top: str) -> bool:
    """Whether a folder of a part's name is a class in another part."""
    return any(word in of for other, of in within.items() if other != top)


def _row(folders: list[str]) -> tuple[str | None, str | None]:
    """Part and class of a picture in such folders; folders inside a class folder belong to that class."""
    split = split_named(folders[0]) if len(folders) > 1 else None
    while (
        split is not None and len(folders) > 1 and split_named(folders[0]) == split
    ):  # also training_set/training_set/cats
        folders = folders[1:]
    return split, readable(folders[0]) if folders else None


def _notes(tree: Tree, loose: list[str], kept: list[tuple[str, str | None, str]]) -> tuple[str, ...]:
    notes = []
    if passed := other_files(tree):
        more = ", ..." if len(passed) > 1 else ""
        notes.append(
            f"passed over: {counted(len(passed), 'file')} in picture folders, not called a picture ({passed[0]}{more})"
        )
    if loose:
        more = ", ..." if len(loose) > 1 else ""
        notes.append(f"left out: {counted(len(loose), 'picture')} outside class folders ({loose[0]}{more})")
    outside = sum(split is None for _, split, _ in kept)
    if 0 < outside < len(kept) and any(split in SPLITS for _, split, _ in kept):
        notes.append(f"taken for training: {counted(outside, 'picture')} in class folders outside the part folders")
    return tuple(notes)

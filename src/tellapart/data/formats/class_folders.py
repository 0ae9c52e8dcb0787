r"""A folder per class, with or without split folders: `train/cat/1.jpg`, `training_set/cats/1.jpg` or `cat/1.jpg`.

Or a label elsewhere in the path, where the user describes it: `--label '(cat|dog)\.\d+'` for `train/cat.0.jpg`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._folder_evidence import Folders, home
from tellapart.data.formats._folder_reading import read_folders
from tellapart.data.formats._folder_result import Place, Reading, Source
from tellapart.data.formats._folder_splits import splits_of_folders
from tellapart.data.formats._folder_words import masks_beside
from tellapart.data.formats._match import Match
from tellapart.data.formats._name_patterns import GRANDPARENT, PARENT, advice, label_of, not_matched, suggestions
from tellapart.data.formats._pictures import picture_files, png
from tellapart.data.formats._unread import advice_on_tables, mates
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import SPLITS, split_named
from tellapart.data.tree import Tree, other_files, pictures_of
from tellapart.errors import DataError, UsageError
from tellapart.text import counted, listed, matching, quoted, readable

USES = ("label",)

TABLES = (".csv", ".tsv", ".parquet", ".jsonl", ".xlsx")
"""Endings of tables, which are named if they are not read."""

SHOWN = 10_000
"""Pictures without labels whose folders are named."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match pictures in several folders; pictures in one folder or in none match less, so that the error is useful.

    A label that is a folder or a pattern with a group matches pictures anywhere, unless a table has such a column.
    """
    if tree.single or not tree.picture_folders:
        return Match.NONE
    if layout.label is not None:
        place = layout.label in (PARENT, GRANDPARENT)
        return Match.CERTAIN if place else Match.NAMES if _has_group(layout.label) else Match.POSSIBLE
    return Match.LAYOUT if len(tree.picture_folders - {""}) > 1 else Match.POSSIBLE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Classes are in plain string order of the folder names, as in Keras."""
    names = pictures_of(tree)
    if not names:
        raise DataError(f"{tree.path}: contains no pictures", "pictures in class folders", "check the path")
    masks = masks_beside(names)
    names = sorted(set(names).difference(masks)) if masks else names
    found = _by_folders(tree, names) if layout.label is None else _by_label(tree, names, layout.label)
    order = _class_names(tree, found, layout)
    position = {name: i for i, name in enumerate(order)}
    rows = found.rows
    labels = [position[matching(row.place.label, position)] for row in rows]
    splits = [row.place.split or "train" for row in rows] if any(row.place.split for row in rows) else None
    return Collection(
        name=Path(tree.path.name).stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=order,
        labels=np.array(labels, np.int64),
        keys=[row.name.removeprefix(found.prefix) for row in rows],
        splits=None if splits is None else np.array(splits),
        pictures=picture_files(tree, [row.name for row in rows]),
        notes=(*_ignored(tree), *found.notes, *_outside_splits(rows), *_not_in_training(rows)),
        inferred=tuple(map(readable, (*found.inferred, *_skipped(masks), *_unused_tables(tree)))),
        columns={found.portion: [readable(row.place.portion) for row in rows]} if found.portion else {},
    )


def write(collection: Collection, folder: Path) -> None:
    """Write PNG files, in split folders where the collection has splits."""
    for i in range(len(collection)):
        split = "" if collection.splits is None else collection.splits[i]
        home = folder / split / collection.label(i)
        home.mkdir(parents=True, exist_ok=True)
        (home / f"{i:06d}.png").write_bytes(png(collection, i))


@dataclass(frozen=True)
class _Row:
    """A picture with a label."""

    name: str
    place: Place


@dataclass(frozen=True)
class _Found:
    """Pictures with labels, what their keys leave out at the start, and lines for the user."""

    rows: Sequence[_Row]
    prefix: str = ""
    portion: str = ""
    inferred: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())


def _by_folders(tree: Tree, names: Sequence[str]) -> _Found:
    """Find the labels by what the folders are. Raises DataError if they do not say."""
    folders = Folders(names)
    source = Source(str(tree.path), tree.path.is_file(), lambda i: tree.size(names[i]), lambda i: tree.read(names[i]))
    reading = read_folders(folders, source)
    place_of = _by_picture(reading)
    rows = [_Row(name, place) for name, place in zip(names, place_of, strict=True) if place is not None]
    loose = _loose(reading)
    if not rows or (len({row.place.label for row in rows}) == 1 and suggestions([row.name for row in rows])):
        raise _without_labels(tree, loose or list(names))
    notes = list(reading.notes)
    if loose:
        more = ", ..." if len(loose) > 1 else ""
        notes.insert(0, f"left out: {counted(len(loose), 'picture')} outside class folders ({loose[0]}{more})")
    prefix = f"{reading.base}/" if reading.base else ""
    return _Found(rows, prefix, reading.portion, tuple(reading.inferred), tuple(notes))


def _by_picture(reading: Reading) -> list[Place | None]:
    """Return the place of each picture, or None."""
    places: list[Place | None] = [None] * len(reading.folders.names)
    for folder, place in reading.places.items():
        for i in reading.folders.files(folder):
            places[i] = None if i in reading.copies else place
    return places


def _loose(reading: Reading) -> list[str]:
    """Return the pictures that are in no class folder, without those in folders that were skipped."""
    folders, known = reading.folders, reading.places.keys() | reading.skipped
    loose = {i for folder in folders.within("") if folder not in known for i in folders.files(folder)}
    return [folders.names[i] for i in sorted(loose - reading.copies)]


def _without_labels(tree: Tree, loose: Sequence[str]) -> DataError:
    where = f"{counted(len(loose), 'picture')} outside class folders ({loose[0]}), and none in one"
    return DataError(
        f"{tree.path}: {where}{mates(tree, loose)}",
        "one folder per class, named after the class: cats/1.jpg, dogs/2.jpg; or a pattern for the label: --label",
        f"{advice(loose)}{_as_classes(loose)}{advice_on_tables(tree)}",
        unclear=True,
    )


def _as_classes(loose: Sequence[str]) -> str:
    """Return how to read the folders as classes in spite of their names, if there are several and no better advice."""
    folders = sorted({home(name).rpartition("/")[2] for name in loose[:SHOWN]} - {""})
    if len(folders) < 2 or all(map(split_named, folders)) or suggestions(loose):
        return ""
    return f"; or, if {listed(folders)} are classes, add --label parent"


def _by_label(tree: Tree, names: Sequence[str], label: str) -> _Found:
    """Find the labels where the user says. Raises UsageError if they are not there. Splits are those of folders."""
    label_in = label_of(label, names[0])
    labels = [label_in(name) for name in names]
    missing = [name for name, found in zip(names, labels, strict=True) if found is None]
    if len(missing) == len(names):
        raise UsageError(
            f"--label {quoted(label)}: does not occur in the path of any picture ({names[0]}, ...)",
            "a pattern for paths relative to the source, with a group around the label",
            _other_pattern(names) if label not in (PARENT, GRANDPARENT) else "",
        )
    splits = splits_of_folders(Folders(names))
    above = {PARENT: 1, GRANDPARENT: 2}.get(label, 0)
    of_split = [splits.get(_above(home(name), above)) for name in names]
    rows = [
        _Row(name, Place(found, split and split[0], ""))
        for name, found, split in zip(names, labels, of_split, strict=True) if found is not None
    ]  # fmt: skip
    used = {split[1] for found, split in zip(labels, of_split, strict=True) if split and found is not None}
    folder = "the folder of each picture" if above == 1 else "the folder above that of each picture"
    what = f"{folder} ({label})" if above else f"the path of each picture, pattern {label}"
    lines = [f"label: from {what}"]
    if used:
        lines.append(f"split: from the {'folders' if len(used) > 1 else 'folder'} {listed(sorted(used))}")
    return _Found(rows, inferred=tuple(lines), notes=(not_matched(label, missing),) if missing else ())


def _other_pattern(names: Sequence[str]) -> str:
    return advice(names) if suggestions(names) else "search for a part of the path, including folders, that is there"


def _above(folder: str, levels: int) -> str:
    """Return the folder some levels above a folder."""
    return folder.rsplit("/", levels)[0] if folder.count("/") >= levels else ""


def _has_group(label: str) -> bool:
    try:
        return re.compile(label).groups > 0
    except (re.error, OverflowError, RecursionError):
        return False


def _class_names(tree: Tree, found: _Found, layout: Layout) -> tuple[str, ...]:
    """Return the class names in label order. Raises DataError for a folder that is not one of those given."""
    labels = {row.place.label for row in found.rows}
    order = tuple(layout.class_names or sorted(labels))
    if unknown := {label for label in labels if matching(label, order) not in order}:
        what = "folder" if layout.label is None else "label"
        raise DataError(
            f"{tree.path}: the {what} {min(unknown)!r} is not one of the class names",
            ", ".join(order[:10]),
            f"rename the {what}, or add the class name",
        )
    return order


def _tables(tree: Tree) -> list[str]:
    """Return the tables in the folders above the pictures or among them, those at the top first."""
    tables = [name for name in tree.names if name.lower().endswith(TABLES)]
    return sorted(tables, key=lambda name: (name.count("/"), name))


def _skipped(masks: Sequence[str]) -> tuple[str, ...]:
    more = ", ..." if len(masks) > 1 else ""
    count = counted(len(masks), "mask")
    return (f"skipped: {count} named after the pictures in the same folder ({masks[0]}{more})",) if masks else ()


def _unused_tables(tree: Tree) -> tuple[str, ...]:
    tables = _tables(tree)
    return (f"not used: {listed(tables)}",) if tables else ()


def _ignored(tree: Tree) -> tuple[str, ...]:
    ignored = other_files(tree)
    if not ignored:
        return ()
    more = ", ..." if len(ignored) > 1 else ""
    count = counted(len(ignored), "file")
    return (f"ignored: {count} in picture folders without a picture's extension ({ignored[0]}{more})",)


def _not_in_training(rows: Sequence[_Row]) -> tuple[str, ...]:
    """Return a note about classes that only occur in validation or test."""
    trained = {row.place.label for row in rows if row.place.split in (None, "train")}
    missing = sorted({row.place.label for row in rows} - trained) if trained else []
    count = counted(len(missing), "class", "classes")
    return (f"{count} without training pictures: {listed(missing)}",) if missing else ()


def _outside_splits(rows: Sequence[_Row]) -> tuple[str, ...]:
    outside = sum(row.place.split is None for row in rows)
    if not 0 < outside < len(rows) or not any(row.place.split in SPLITS for row in rows):
        return ()
    return (f"used for training: {counted(outside, 'picture')} in class folders outside the split folders",)

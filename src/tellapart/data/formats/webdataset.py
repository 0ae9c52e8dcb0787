"""WebDataset: tar files of pictures, each with its label beside it: `000.jpg` and `000.cls`, or `000.json`.

One tar, or several shards in a folder; the names of the shards may have splits, as in `train-000000.tar`.
"""

from __future__ import annotations

import io
import json
import posixpath
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from tellapart.data.archives import TarTree
from tellapart.data.arrays import to_labels
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.formats._class_names import class_names_beside
from tellapart.data.formats._labels import check_single
from tellapart.data.formats._match import Match
from tellapart.data.formats._pictures import png
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_of_file
from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture
from tellapart.text import counted

SUFFIX = ".tar"
LABELS = (".cls", ".json")
"""Extensions of the files with labels, the preferred one first; JSON has one of KEYS."""

KEYS = ("label", "class", "cls", "class_name", "target", "label_name", "category")
LARGEST = 2**16
"""Bytes of a file with a label, at most."""


@dataclass(frozen=True)
class _Shard:
    """A tar of samples: its name, and its members as a tree."""

    name: str
    tree: Tree


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match a tar of pictures with `.cls` files, or with JSON files in pairs; and a folder of such tars."""
    if isinstance(tree, TarTree) and _is_labelled(_Shard("", tree)):
        return Match.CERTAIN
    shards = _shard_names(tree)
    if not shards or tree.picture_folders:
        return Match.STRAY if shards else Match.NONE
    try:
        return Match.CERTAIN if _is_labelled(_opened(tree, shards[0])) else Match.POSSIBLE
    except DataError:
        return Match.POSSIBLE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Nothing is unpacked, but for shards inside another archive."""
    own = isinstance(tree, TarTree) and bool(_pairs(tree.names))
    shards = [_Shard("", tree)] if own else [_opened(tree, name) for name in _shard_names(tree)]
    samples = [(shard, picture, label) for shard in shards for picture, label in _pairs(shard.tree.names)]
    if not samples:
        raise DataError(
            f"{tree.path}: its tar files have no pictures with labels",
            "pairs such as 000.jpg and 000.cls, or 000.jpg and 000.json with a label",
            "",
        )
    words = [_label(shard, label) for shard, _, label in samples]
    check_single(pl.Series(words), str(tree.path), layout.class_names or ())
    numbers = all(word.isdecimal() and str(int(word)) == word for word in set(words))
    labels = np.array([int(word) for word in words] if numbers else words)
    found = None
    if numbers and layout.class_names is None:
        found = class_names_beside(tree, shards[0].name, [str(number) for number in np.unique(labels)])
    positions, names = to_labels(labels, str(tree.path), layout.class_names)
    names = tuple(found[0][name] for name in names) if found else names
    splits = [split_of_file(shard.name) for shard, _, _ in samples]
    kinds = sorted({posixpath.basename(label).partition(".")[2] for _, _, label in samples})
    return Collection(
        name=tree.path.name.partition(".")[0] if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=names,
        labels=positions,
        keys=[f"{shard.name}/{picture}".lstrip("/") for shard, picture, _ in samples],
        splits=np.array([split or "train" for split in splits]) if any(splits) and len(set(splits)) > 1 else None,
        pictures=_pictures([(shard.tree, picture) for shard, picture, _ in samples]),
        notes=tuple(_left_out(shards)),
        inferred=(
            f"label: from the .{' and .'.join(kinds)} files in {counted(len(shards), 'tar file')}",
            *([f"names: from {found[1]}"] if found else []),
        ),
    )


def write(collection: Collection, folder: Path) -> None:
    """Write a tar per split, or `data-000000.tar`: pictures as PNG and class names in `.cls` files."""
    for split in collection.given_splits or ("data",):
        with tarfile.open(folder / f"{split}-000000{SUFFIX}", "w") as archive:
            for i in collection.indices(None if split == "data" else split).tolist():
                for suffix, data in ((".png", png(collection, i)), (".cls", collection.label(i).encode())):
                    member = tarfile.TarInfo(f"{i:06d}{suffix}")
                    member.size = len(data)
                    archive.addfile(member, io.BytesIO(data))


def _is_labelled(shard: _Shard) -> bool:
    """Return whether a tar has pictures with labels; JSON files in class folders are other notes about the pictures."""
    pairs = _pairs(shard.tree.names)
    if not pairs or pairs[0][1].endswith(".cls"):
        return bool(pairs)
    if len(shard.tree.picture_folders - {""}) > 1:
        return False
    return bool(_label_in_json(shard.tree.read(pairs[0][1]).decode("utf-8", "replace"), ""))


def _shard_names(tree: Tree) -> list[str]:
    return [name for name in tree.names if name.lower().endswith(SUFFIX)]


def _opened(tree: Tree, name: str) -> _Shard:
    path = tree.on_disk(name)
    if path is not None:
        return _Shard(name, TarTree(Path(path)))
    return _Shard(name, _InnerTar(tree, name))


class _InnerTar(TarTree):
    """A tar inside another archive, in a nameless temporary file."""

    def __init__(self, outer: Tree, name: str) -> None:
        import tempfile

        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:  # Windows keeps open files
            copy = Path(folder, "shard.tar")
            copy.write_bytes(outer.read(name))
            super().__init__(copy)
        self.path, self.stamped = Path(outer.describe(name)), outer.stamp(name)


def _pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pictures that have a file with a label, and that file, by what is before the first dot of the name."""
    labels: dict[str, str] = {}
    for suffix in reversed(LABELS):
        labels |= {name.removesuffix(suffix): name for name in names if name.endswith(suffix)}
    return [(name, labels[key]) for name in names if _is_picture(name) and (key := _key(name)) in labels]


def _left_out(shards: Sequence[_Shard]) -> list[str]:
    """Return a note about the pictures that have no file with a label."""
    left = [
        f"{shard.name}/{name}".lstrip("/")
        for shard in shards
        for name in sorted(set(filter(_is_picture, shard.tree.names)) - {name for name, _ in _pairs(shard.tree.names)})
    ]
    more = ", ..." if len(left) > 1 else ""
    return [f"left out: {counted(len(left), 'picture')} without a file with a label ({left[0]}{more})"] if left else []


def _is_picture(name: str) -> bool:
    return "." in posixpath.basename(name) and looks_like_picture(name)


def _key(name: str) -> str:
    folder, _, base = name.rpartition("/")
    return f"{folder}/{base.partition('.')[0]}".lstrip("/")


def _label(shard: _Shard, name: str) -> str:
    """Return the label in a file. Raises DataError if it has none or several."""
    where = shard.tree.describe(name)
    data = shard.tree.read(name) if shard.tree.size(name) <= LARGEST else b""
    text = data.decode("utf-8", "replace").strip()
    if name.endswith(".json"):
        text = _label_in_json(text, where)
    if not text or "\n" in text or "\ufffd" in text:
        raise DataError(f"{where}: has no label", "the number or the name of a class", "")
    return text


def _label_in_json(text: str, where: str) -> str:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, dict):
        known = [content[key] for key in KEYS if key in content]
        value = next((word for word in known if isinstance(word, str)), known[0] if known else None)
    else:
        value = content
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, list):
        raise DataError(f"{where}: has several labels ({value[:3]})", "one label per picture", "")
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _pictures(files: Sequence[tuple[Tree, str]]) -> EncodedPictures:
    return EncodedPictures(
        len(files),
        lambda i: files[i][0].read(files[i][1]),
        lambda i: files[i][0].size(files[i][1]),
        lambda i: files[i][0].describe(files[i][1]),
        lambda i: files[i][0].stamp(files[i][1]),
        lambda i, count: files[i][0].start(files[i][1], count),
    )

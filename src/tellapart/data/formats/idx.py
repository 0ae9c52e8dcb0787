"""IDX pairs as in MNIST, gzipped or not: `train-images-idx3-ubyte.gz` next to `train-labels-idx1-ubyte.gz`."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import Block, from_blocks
from tellapart.data.formats._emnist import UPRIGHT, characters, is_emnist, upright
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_in_file_name
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError

_MAGIC = (b"\0\0\x08\x03", b"\0\0\x08\x04")
"""The first bytes of unsigned bytes in three and four dimensions, which are pictures."""

MAX_BYTES = 8 * 2**30
"""The most bytes that an IDX file may unpack to."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match files with the names of IDX pairs, or one file with the magic number."""
    if images := [name for name in tree.names if _is_images(name)]:
        return Match.STRAY if is_stray(tree, images) else Match.CERTAIN
    if tree.single and _magic(tree, tree.names[0]) in _MAGIC:
        return Match.CERTAIN
    return Match.NONE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. A `classes.txt` in the same folder, or EMNIST's mapping file, names the classes.

    EMNIST's pictures are turned upright.
    """
    images = _images(tree) or list(tree.names)
    inferred: list[str] = []
    blocks: list[Block] = []
    for name in images:
        labels = _labels_file(tree, name)
        pixels, numbers = _read(tree, name), _read(tree, labels)
        if numbers.ndim == 2:
            inferred.append(f"label: column 1 of {numbers.shape[1]} in {labels.rpartition('/')[2]}")
            numbers = numbers[:, 0]
        if len(pixels) != len(numbers):
            raise DataError(
                f"{tree.describe(labels)}: contains {len(numbers):,} labels",
                f"{len(pixels):,}, one for each picture in {name}",
                "download both files again: they do not belong together",
            )
        blocks.append((split_in_file_name(name), upright(pixels) if is_emnist(name) else pixels, numbers))
    if any(map(is_emnist, images)):
        inferred.append(UPRIGHT)
    class_names = layout.class_names or _listed_classes(tree, images[0])
    where = [tree.describe(name) for name in images]
    if class_names is None and is_emnist(images[0]):
        known = characters(tree, images[0], [int(label) for _, _, labels in blocks for label in np.unique(labels)])
        if known is not None:
            class_names = list(known.values())
            blocks = [(split, pixels, _renamed(labels, known)) for split, pixels, labels in blocks]
            inferred.append("class names: from EMNIST's mapping file")
    return from_blocks(tree, blocks, class_names, where, inferred)


def _renamed(labels: np.ndarray, known: dict[int, str]) -> np.ndarray:
    return np.array([known[int(label)] for label in labels], dtype=str)


def write(collection: Collection, folder: Path) -> None:
    """Write a pair of files per split, not compressed, and `classes.txt`."""
    for split in collection.given_splits or ("all",):
        indices = collection.indices(None if split == "all" else split)
        pixels = np.stack([collection.read(i) for i in indices])
        pixels = pixels[..., 0] if pixels.shape[3] == 1 else pixels
        header = struct.pack(">BBBB", 0, 0, 8, pixels.ndim) + struct.pack(f">{pixels.ndim}I", *pixels.shape)
        (folder / f"{split}-images-idx{pixels.ndim}-ubyte").write_bytes(header + pixels.tobytes())
        labels = collection.labels[indices].astype(np.uint8)
        header = struct.pack(">BBBBI", 0, 0, 8, 1, len(labels))
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(header + labels.tobytes())
    (folder / "classes.txt").write_text("\n".join(collection.class_names) + "\n", encoding="utf-8")


def _is_images(name: str) -> bool:
    base = name.rsplit("/", 1)[-1]
    return "images" in base and ("idx3" in base or "idx4" in base)


def _images(tree: Tree) -> list[str]:
    """Return the files of pictures, one of several copies. Raises DataError for two files of the same split.

    Copies are a file and its gzip, and Kaggle's `train-images.idx3-ubyte` beside a folder with the same file.
    """
    images: list[str] = []
    for name in sorted(filter(_is_images, tree.names), key=lambda name: (name.count("/"), name.endswith(".gz"), name)):
        if _bare(name) not in map(_bare, images):
            images.append(name)
    splits = [split_in_file_name(name) for name in images]
    for split in set(splits):
        if splits.count(split) > 1:
            same = [name for name, other in zip(images, splits, strict=True) if other == split]
            raise DataError(
                f"{tree.path}: contains several files for {f'the {split} split' if split else 'all pictures'}: "
                f"{', '.join(same[:4])}",
                "one pair of files per split",
                "keep one set of files in the folder",
            )
    return images


def _bare(name: str) -> str:
    """The name of a file without its folder, without `.gz`, and with one kind of sign before `idx`."""
    return name.rpartition("/")[2].removesuffix(".gz").replace(".idx", "-idx")


def _labels_file(tree: Tree, name: str) -> str:
    """Return the file of labels: in the same folder, or the only one with its name."""
    folder, _, base = name.rpartition("/")
    wanted = base.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    bare = wanted.removesuffix(".gz")
    for candidate in (wanted, bare, f"{bare}.gz"):
        path = f"{folder}/{candidate}" if folder else candidate
        if candidate != base and tree.exists(path):
            return path
    start = _bare(wanted).partition("-idx")[0]
    others = [other for other in tree.names if _bare(other).startswith(f"{start}-idx") and other != name]
    if others:
        return min(others, key=lambda other: (other.count("/"), other))
    raise DataError(
        f"{tree.describe(name)}: its labels are missing", f"the file {wanted}", "put it into the same folder"
    )


def _listed_classes(tree: Tree, name: str) -> list[str] | None:
    folder, _, _ = name.rpartition("/")
    path = f"{folder}/classes.txt" if folder else "classes.txt"
    return [line for line in tree.lines(path) if line] if tree.exists(path) else None


def _magic(tree: Tree, name: str) -> bytes:
    start = tree.start(name, 4096)
    if start[:2] == b"\x1f\x8b":
        try:
            return zlib.decompressobj(31).decompress(start, 4)
        except zlib.error:
            return b""
    return start[:4]


_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def _read(tree: Tree, name: str) -> np.ndarray:
    """Return the array in an IDX file: [n] labels (QMNIST: [n, 8]) or [n, height, width(, channels)] pictures.

    Raises DataError for a damaged file. Source: yann.lecun.com/exdb/mnist (magic 0 0 type dimensions; big-endian).
    """
    data = tree.read(name)
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, tree.describe(name))
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _TYPES or data[3] not in (1, 2, 3, 4):
        raise DataError(
            f"{tree.describe(name)}: "
            + (f"starts with the bytes {data[:4].hex(' ')}" if data else "the file is empty"),
            "an IDX file, of unsigned bytes: 00 00 08, then 01 for labels, 03 or 04 for pictures",
            "check that this is the right file, and download it again",
        )
    kind, dimensions = np.dtype(_TYPES[data[2]]), data[3]
    start = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", data[4:start]) if len(data) >= start else (0,)
    wanted = int(np.prod(shape, dtype=object)) * kind.itemsize
    if len(data) - start != wanted or len(shape) != dimensions:
        raise DataError(
            f"{tree.describe(name)}: {'cut short' if len(data) - start < wanted else 'too long'}: "
            f"it contains {max(len(data) - start, 0):,} bytes of data",
            f"{wanted:,} bytes, for the shape {shape} in its header",
            "download or copy it again",
        )
    if not wanted and max(shape) > 2**20:  # no data, in a shape that NumPy cannot represent
        raise DataError(f"{tree.describe(name)}: has the shape {shape}", "pictures", "download or copy it again")
    array = np.frombuffer(data, kind, offset=start).reshape(shape)
    return array if kind.itemsize == 1 else array.astype(kind.newbyteorder("="))


def _gunzip(data: bytes, where: str) -> bytes:
    limit = min(MAX_BYTES, max(len(data) * MAX_RATIO, 2**26))
    try:
        with gzip.open(io.BytesIO(data)) as file:
            unpacked = file.read(limit + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{where}: cut short or damaged ({error})", "a whole gzip file", "download it again") from error
    if len(unpacked) > limit:
        raise DataError(
            f"{where}: unpacks to more than {limit:,} bytes",
            f"at most {MAX_RATIO} times its size",
            "unpack it yourself",
        )
    return unpacked

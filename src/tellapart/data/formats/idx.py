"""IDX pairs as in MNIST, gzipped or not: `train-images-idx3-ubyte.gz` next to `train-labels-idx1-ubyte.gz`."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import numpy as np

from tellapart.data.arrays import to_pixels
from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import from_blocks
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_in_file_name
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError

MAX_BYTES = 8 * 2**30
"""The most bytes that an IDX file may unpack to."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match files with the names of IDX pairs, or one file with the magic number."""
    if images := [name for name in tree.names if _is_images(name)]:
        return Match.STRAY if is_stray(tree, images) else Match.CERTAIN
    if tree.single and _magic(tree, tree.names[0]) in (b"\0\0\x08\x03", b"\0\0\x08\x04"):
        return Match.CERTAIN
    return Match.NONE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. A `classes.txt` in the same folder names the classes."""
    images = _images(tree) or list(tree.names)
    blocks = []
    for name in images:
        labels = _labels_file(tree, name)
        pixels, numbers = _read(tree, name), _read(tree, labels)
        if len(pixels) != len(numbers):
            raise DataError(
                f"{tree.describe(labels)}: contains {len(numbers):,} labels",
                f"{len(pixels):,}, one for each picture in {name}",
                "download both files again: they do not belong together",
            )
        blocks.append((split_in_file_name(name), to_pixels(pixels, tree.describe(name)), numbers))
    names = layout.class_names or _listed_classes(tree, images[0])
    return from_blocks(tree, blocks, names)


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
    """Return the files of pictures, one of a file and its gzip. Raises DataError for two files of the same split."""
    images = [name for name in tree.names if _is_images(name)]
    images = [name for name in images if name.removesuffix(".gz") not in images or not name.endswith(".gz")]
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


def _labels_file(tree: Tree, name: str) -> str:
    folder, _, base = name.rpartition("/")
    wanted = base.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    bare = wanted.removesuffix(".gz")
    for candidate in (wanted, bare, f"{bare}.gz"):
        path = f"{folder}/{candidate}" if folder else candidate
        if candidate != base and tree.exists(path):
            return path
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


def _read(tree: Tree, name: str) -> np.ndarray:
    """Return the array in an IDX file of bytes: uint8, [n] labels or [n, height, width(, channels)] pictures.

    Raises DataError for a damaged file. Source: yann.lecun.com/exdb/mnist (magic 0 0 type dimensions; big-endian).
    """
    data = tree.read(name)
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, tree.describe(name))
    if len(data) < 4 or data[:3] != b"\0\0\x08" or data[3] not in (1, 3, 4):
        raise DataError(
            f"{tree.describe(name)}: "
            + (f"starts with the bytes {data[:4].hex(' ')}" if data else "the file is empty"),
            "an IDX file of unsigned bytes: 00 00 08, then 01 for labels, 03 or 04 for pictures",
            "check that this is the right file, and download it again",
        )
    dimensions = data[3]
    start = 4 + 4 * dimensions
    shape = struct.unpack(f">{dimensions}I", data[4:start]) if len(data) >= start else (0,)
    wanted = int(np.prod(shape, dtype=object))
    if len(data) - start != wanted or len(shape) != dimensions:
        raise DataError(
            f"{tree.describe(name)}: {'cut short' if len(data) - start < wanted else 'too long'}: "
            f"it contains {max(len(data) - start, 0):,} bytes of data",
            f"{wanted:,} bytes, for the shape {shape} in its header",
            "download or copy it again",
        )
    if not wanted and max(shape) > 2**20:  # no data, in a shape that NumPy cannot represent
        raise DataError(f"{tree.describe(name)}: has the shape {shape}", "pictures", "download or copy it again")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


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

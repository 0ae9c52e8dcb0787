"""IDX pairs as MNIST ships them, gzipped or not: `train-images-idx3-ubyte.gz` beside `train-labels-idx1-ubyte.gz`."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tellapart.data.arrays import to_labels, to_pixels
from tellapart.data.collection import ArrayPictures, Collection
from tellapart.data.split_names import SPLITS, split_in_file_name
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError

Block = tuple[str | None, np.ndarray, np.ndarray]
"""A part (or None), pictures uint8 [n, height, width, channels], labels [n] as numbers or words."""

MAX_BYTES = 8 * 2**30
"""No IDX file is unpacked beyond this size."""


def likeness(tree: Tree) -> int:
    """Files named as IDX pairs are; or one file with the magic number."""
    if any(_is_images(name) for name in tree.names):
        return 95
    return 90 if tree.single and _magic(tree, tree.names[0]) in (b"\0\0\x08\x03", b"\0\0\x08\x04") else 0


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """See the contract. Class names are the label numbers unless given, or listed in a `classes.txt` beside."""
    images = _images(tree) or list(tree.names)
    blocks = []
    for name in images:
        labels = _labels_beside(tree, name)
        pixels, numbers = _read(tree, name), _read(tree, labels)
        if len(pixels) != len(numbers):
            raise DataError(
                f"{tree.describe(labels)}: holds {len(numbers):,} labels",
                f"{len(pixels):,}, one for each picture in {name}",
                "get the pair again: the two files do not belong together",
            )
        blocks.append((split_in_file_name(name), to_pixels(pixels, tree.describe(name)), numbers))
    names = class_names or _listed_classes(tree, images[0])
    return from_blocks(tree, blocks, names)


def from_blocks(tree: Tree, blocks: Sequence[Block], class_names: Sequence[str] | None) -> Collection:
    """One collection of (part, pictures, labels) blocks, training first; several blocks of a part are joined in order.

    Where some block has a part, those without one are training.
    """
    shapes = {pixels.shape[1:] for _, pixels, _ in blocks}
    if len(shapes) > 1:
        raise DataError(
            f"{tree.path}: its parts have pictures of different shapes, {', '.join(map(str, sorted(shapes)))}",
            "one shape throughout",
            "give the parts separately, or make them alike",
        )
    stated = any(split for split, _, _ in blocks)
    splits = np.concatenate([np.full(len(numbers), split or "train", "<U10") for split, _, numbers in blocks])
    order = np.argsort([SPLITS.index(split) for split in splits], kind="stable")
    labels, names = to_labels(np.concatenate([numbers for _, _, numbers in blocks])[order], str(tree.path), class_names)
    splits = splits[order]
    counts = [range(int((splits == split).sum())) for split in SPLITS]
    return Collection(
        name=tree.path.name.split(".")[0] if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=names,
        labels=labels,
        keys=[f"{split if stated else 'all'}/{i:05d}" for split, of in zip(SPLITS, counts, strict=True) for i in of],
        splits=splits if stated else None,
        pictures=ArrayPictures(_joined([pixels for _, pixels, _ in blocks], order)),
    )


def _joined(arrays: list[np.ndarray], order: np.ndarray) -> np.ndarray:
    whole = np.concatenate(arrays)
    return whole if (np.diff(order) > 0).all() else whole[order]


def write(collection: Collection, folder: Path) -> None:
    """A pair a part, not compressed; class names beside."""
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
    """The files of pictures, each once even where it lies there gzipped too. Raises DataError for two of one part."""
    found = [name for name in tree.names if _is_images(name)]
    found = [name for name in found if name.removesuffix(".gz") not in found or not name.endswith(".gz")]
    splits = [split_in_file_name(name) for name in found]
    for split in set(splits):
        if splits.count(split) > 1:
            both = [name for name, of in zip(found, splits, strict=True) if of == split]
            raise DataError(
                f"{tree.path}: holds several files for the part {split or 'all'}: {', '.join(both[:4])}",
                "one pair of files a part",
                "keep one set of files in the folder",
            )
    return found


def _labels_beside(tree: Tree, name: str) -> str:
    folder, _, base = name.rpartition("/")
    wanted = base.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1")
    bare = wanted.removesuffix(".gz")
    for candidate in (wanted, bare, f"{bare}.gz"):
        path = f"{folder}/{candidate}" if folder else candidate
        if candidate != base and tree.exists(path):
            return path
    raise DataError(
        f"{tree.describe(name)}: has no labels beside it", f"the file {wanted}", "put it in the same folder"
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
    """The array in an IDX file of bytes (yann.lecun.com/exdb/mnist: magic 0 0 type dimensions, sizes big-endian)."""
    data = tree.read(name)
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, tree.describe(name))
    if len(data) < 4 or data[:3] != b"\0\0\x08" or data[3] not in (1, 3, 4):
        raise DataError(
            f"{tree.describe(name)}: starts with the bytes {data[:4].hex(' ') or 'of nothing'}",
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
            f"it holds {max(len(data) - start, 0):,} bytes of data",
            f"{wanted:,} bytes, for the shape {shape} in its header",
            "download or copy it again",
        )
    if not wanted and max(shape) > 2**20:  # nothing, in a shape that no array can have
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
            f"{where}: unpacks to more than {limit:,} bytes", f"at most {MAX_RATIO} times its size", "unpack it"
        )
    return unpacked

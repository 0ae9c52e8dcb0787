"""NumPy archives: `x_train, y_train, x_test, y_test` as in Keras, or `train_images, train_labels, ...`."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from tellapart.data.arrays import to_labels, to_pixels
from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import from_blocks
from tellapart.data.formats._match import Match
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_named
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match exactly one .npz file, unless pictures are in several folders of the tree."""
    if not _file(tree):
        return Match.NONE
    return Match.CERTAIN if len(tree.picture_folders) < 2 else Match.STRAY


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. A member `class_names` of strings names the classes; pickles are refused."""
    name, class_names = _file(tree), layout.class_names
    where = tree.describe(name)
    arrays = _arrays(tree.read(name), where)
    if class_names is None and "class_names" in arrays:
        class_names = [str(word) for word in arrays["class_names"].ravel()]
    blocks = []
    for split, pictures, labels in _pairs(tuple(arrays), where):
        pixels = to_pixels(arrays[pictures], f"{where}: {pictures}")
        numbers, words = to_labels(arrays[labels], f"{where}: {labels}", class_names)
        if len(numbers) != len(pixels):
            raise DataError(
                f"{where}: {labels} contains {len(numbers):,} labels",
                f"{len(pixels):,}, one for each picture in {pictures}",
                "save the arrays again",
            )
        # Without given names, a split may lack some classes: then the names are joined, not their positions.
        values = numbers if class_names else np.array(words)[numbers]
        blocks.append((split, pixels, values))
    if class_names is None and all(
        word.isascii() and word.isdigit() and len(word) < 10 for _, _, words in blocks for word in words.tolist()
    ):
        blocks = [(split, pixels, words.astype(np.int64)) for split, pixels, words in blocks]
    return from_blocks(tree, blocks, class_names)


def write(collection: Collection, folder: Path) -> None:
    """Write one file, `data.npz`."""
    arrays = {"class_names": np.array(collection.class_names)}
    for split in collection.given_splits or ("",):
        indices = collection.indices(split or None)
        suffix = {"": "", "train": "_train", "validation": "_val", "test": "_test"}[split]
        arrays[f"x{suffix}"] = np.stack([collection.read(i) for i in indices])
        arrays[f"y{suffix}"] = collection.labels[indices]
    np.savez_compressed(folder / "data.npz", allow_pickle=False, **arrays)


def _file(tree: Tree) -> str:
    """Return the only NumPy archive of a tree, or ""."""
    files = [name for name in tree.names if name.lower().endswith(".npz")]
    if tree.single and not files and tree.start(tree.names[0], 4) == b"PK\x03\x04":
        files = list(tree.names)
    return files[0] if len(files) == 1 else ""


def _arrays(data: bytes, where: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > max(len(data) * MAX_RATIO, 2**28):
            raise DataError(
                f"{where}: unpacks to {unpacked:,} bytes", f"at most {MAX_RATIO} times its size", "unpack it yourself"
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, AttributeError) as error:
        if _holds_objects(data):
            raise DataError(
                f"{where}: contains pickled Python objects",
                "plain arrays of numbers or words (pickles are never opened, since a pickle can run any program)",
                "save the arrays with a plain dtype, for example labels as int64",
            ) from error
        raise DataError(f"{where}: is not a valid NumPy archive ({error})", "a .npz file", "save it again") from error
    except Exception as error:  # zlib.error and struct.error of damaged members
        raise DataError(f"{where}: is damaged ({error})", "an undamaged .npz file", "save or copy it again") from error
    if other := next((name for name, value in arrays.items() if not isinstance(value, np.ndarray)), None):
        raise DataError(f"{where}: {other} is not an array", "arrays as numpy.savez writes them", "save it again")
    return arrays


def _holds_objects(data: bytes) -> bool:
    """Return whether an array of an archive contains Python objects, by the types in the headers of the arrays."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for name in archive.namelist():
                with archive.open(name) as member:
                    version = np.lib.format.read_magic(member)
                    read = (
                        np.lib.format.read_array_header_1_0
                        if version == (1, 0)
                        else np.lib.format.read_array_header_2_0
                    )
                    if read(member)[2].hasobject:
                        return True
    except Exception:  # damaged: zipfile, zlib and NumPy raise many kinds of errors
        return False
    return False


def _pairs(names: tuple[str, ...], where: str) -> list[tuple[str | None, str, str]]:
    """Return (split, name of the pictures, name of the labels) for each pair of arrays, by the words in their names."""
    pairs: list[tuple[str | None, str, str]] = []
    for name in names:
        words = name.split("_")
        mates = [
            "_".join(b if word == a else word for word in words)
            for a, b in (("x", "y"), ("images", "labels"), ("pictures", "labels"))
            if a in words
        ]
        for mate in mates:
            if mate in names:
                pairs.append((next((split for word in words if (split := split_named(word))), None), name, mate))
    if not pairs:
        raise DataError(
            f"{where}: contains {', '.join(names) or 'no arrays'}",
            "pictures and labels named x_train, y_train, x_test, y_test, or x and y, or train_images, train_labels",
            "save the arrays under these names",
        )
    return pairs

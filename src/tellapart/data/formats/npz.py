"""NumPy archives: `x_train, y_train, x_test, y_test` as Keras ships them, or `train_images, train_labels, ...`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.arrays import to_labels, to_pixels
from tellapart.data.collection import Collection
from tellapart.data.formats.idx import from_blocks
from tellapart.data.split_names import split_named
from tellapart.data.tree import MAX_RATIO, Tree, picture_folders
from tellapart.errors import DataError


def likeness(tree: Tree) -> int:
    """Just one .npz file, which class folders that it lies beside outweigh."""
    return 0 if not _file(tree) else 95 if len(picture_folders(tree)) < 2 else 20


def read(tree: Tree, class_names: Sequence[str] | None = None) -> Collection:
    """See the contract. A member `class_names` of strings names the classes. Pickles are never opened."""
    name = _file(tree)
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
                f"{where}: {labels} holds {len(numbers):,} labels",
                f"{len(pixels):,}, one for each picture in {pictures}",
                "save the arrays again",
            )
        # Without given names each part may lack some classes, so what is joined is the names' values, not positions.
        joined = numbers if class_names else np.array(words)[numbers]
        blocks.append((split, pixels, joined))
    if class_names is None and all(
        word.isascii() and word.isdigit() and len(word) < 10 for _, _, words in blocks for word in words.tolist()
    ):
        blocks = [(split, pixels, words.astype(np.int64)) for split, pixels, words in blocks]
    return from_blocks(tree, blocks, class_names)


def write(collection: Collection, folder: Path) -> None:
    """One file, `data.npz`."""
    arrays: dict[str, Any] = {"class_names": np.array(collection.class_names)}
    for split in collection.given_splits or ("",):
        indices = collection.indices(split or None)
        suffix = {"": "", "train": "_train", "validation": "_val", "test": "_test"}[split]
        arrays[f"x{suffix}"] = np.stack([collection.read(i) for i in indices])
        arrays[f"y{suffix}"] = collection.labels[indices]
    np.savez_compressed(folder / "data.npz", **arrays)


def _file(tree: Tree) -> str:
    found = [name for name in tree.names if name.lower().endswith(".npz")]
    if tree.single and not found and tree.start(tree.names[0], 4) == b"PK\x03\x04":
        found = list(tree.names)
    return found[0] if len(found) == 1 else ""


def _arrays(data: bytes, where: str) -> dict[str, np.ndarray]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(info.file_size for info in archive.infolist())
        if unpacked > max(len(data) * MAX_RATIO, 2**28):
            raise DataError(
                f"{where}: unpacks to {unpacked:,} bytes", f"at most {MAX_RATIO} times its size", "unpack it"
            )
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
    except DataError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, AttributeError) as error:
        if "pickle" in str(error).lower() and data[:4] == b"PK\x03\x04":
            raise DataError(
                f"{where}: holds pickled Python objects",
                "plain arrays of numbers or words (a pickle can run any program, so none is opened)",
                "save the arrays with a plain dtype, for instance labels as int64",
            ) from error
        raise DataError(f"{where}: is not a sound NumPy archive ({error})", "a .npz file", "save it again") from error
    except Exception as error:  # zlib.error and struct.error of damaged members
        raise DataError(f"{where}: is damaged ({error})", "a sound .npz file", "save or copy it again") from error
    if bytes_of := next((name for name, value in found.items() if not isinstance(value, np.ndarray)), None):
        raise DataError(f"{where}: {bytes_of} is no array", "arrays as numpy.savez writes them", "save it again")
    return found


def _pairs(names: tuple[str, ...], where: str) -> list[tuple[str | None, str, str]]:
    """(part, name of the pictures, name of the labels), by the words in the names."""
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
            f"{where}: holds {', '.join(names) or 'nothing'}",
            "pictures and labels under x_train, y_train, x_test, y_test, or x and y, or train_images, train_labels",
            "save the arrays under such names",
        )
    return pairs

"""NumPy archives: `x_train, y_train, x_test, y_test` as in Keras, `train_images, train_labels`, `data, target` ..."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._match import Match
from tellapart.data.formats._named_arrays import from_arrays
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match exactly one .npz file, unless pictures are in several folders of the tree."""
    if not _file(tree):
        return Match.NONE
    return Match.CERTAIN if len(tree.picture_folders) < 2 else Match.STRAY


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. A member `class_names` of words names the classes; pickles are refused."""
    name = _file(tree)
    where = tree.describe(name)
    return from_arrays(tree, _arrays(tree.read(name), where), where, layout.class_names)


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

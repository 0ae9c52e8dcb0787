"""NumPy archives: `x_train, y_train, x_test, y_test` as in Keras, `images, labels` ...; or an .npy file for each."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._match import Match
from tellapart.data.formats._named_arrays import from_arrays, role_of
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match exactly one .npz file, or files with one array each, unless pictures are in several folders of the tree."""
    if not _file(tree):
        return Match.NAMES if _single_arrays(tree) and len(tree.picture_folders) < 2 else Match.NONE
    return Match.CERTAIN if len(tree.picture_folders) < 2 else Match.STRAY


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. A member `class_names` of words names the classes; pickles are refused."""
    name = _file(tree)
    if not name:
        arrays = {_stem(file): _only_array(tree, file) for file in _single_arrays(tree)}
        return from_arrays(tree, arrays, str(tree.path), layout.class_names)
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


def _single_arrays(tree: Tree) -> list[str]:
    """Return the files of one folder that hold an array each, if their names are those of pictures and of labels."""
    files = [name for name in tree.names if name.lower().endswith((".npy", ".npz"))]
    top = min((name.count("/") for name in files), default=0)
    files = [name for name in files if name.count("/") == top]
    roles = {role_of(_stem(name)) for name in files}
    alike = len({name.rpartition("/")[0] for name in files}) == 1 and len(set(map(_stem, files))) == len(files)
    return files if alike and {"pictures", "labels"} <= roles else []


def _stem(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[0]


def _only_array(tree: Tree, name: str) -> np.ndarray:
    """Return the array of an .npy file, or the only one of an .npz file."""
    where, data = tree.describe(name), tree.read(name)
    if data[:2] == b"PK":
        arrays = _arrays(data, where)
        if len(arrays) != 1:
            raise DataError(f"{where}: contains {len(arrays)} arrays", "one array in each of several files", "")
        return next(iter(arrays.values()))
    try:
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception as error:  # NumPy raises many types for damaged headers
        raise DataError(
            f"{where}: is not a plain array ({error})",
            "an array of numbers or words (pickles are never opened, since a pickle can run any program)",
            "save it again with a plain dtype, for example labels as int64",
        ) from error
    if not isinstance(array, np.ndarray):
        raise DataError(f"{where}: is not an array", "a file as numpy.save writes it", "save it again")
    return array


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

"""NumPy archives: `x_train, y_train, x_test, y_test` as in Keras, `images, labels` ...; or several files."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import Block, from_blocks
from tellapart.data.formats._match import Match
from tellapart.data.formats._named_arrays import from_arrays, role_of
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_in_file_name, split_named, split_of_file
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match .npz files, or files with one array each, unless pictures are in several folders of the tree."""
    if _archives(tree):
        return Match.CERTAIN if len(tree.picture_folders) < 2 else Match.STRAY
    if len(tree.picture_folders) > 1:
        return Match.NONE
    if _single_arrays(tree):
        return Match.NAMES
    return Match.POSSIBLE if _classes(tree) or _npz_files(tree) else Match.NONE


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. A member `class_names` of words names the classes; pickles are refused."""
    archives = _archives(tree)
    if len(archives) == 1:
        where = tree.describe(next(iter(archives)))
        return from_arrays(tree, _arrays(tree.read(next(iter(archives))), where), where, layout.class_names)
    arrays: dict[str, np.ndarray] = {}
    for name, split in archives.items():
        found = _arrays(tree.read(name), tree.describe(name))
        arrays |= {f"{split}/{key}": array for key, array in found.items()}
    for name, key in _single_arrays(tree).items() if not archives else ():
        arrays[key] = _only_array(tree, name)
    if arrays:
        return from_arrays(tree, arrays, str(tree.path), layout.class_names)
    classes = _classes(tree)
    if not classes:
        raise _several(tree)
    pictures = {word: _only_array(tree, name) for name, word in classes.items()}
    blocks: list[Block] = [(None, array, np.full(len(array), word)) for word, array in pictures.items() if array.ndim]
    names = [tree.describe(name) for name in classes]
    return from_blocks(tree, blocks, layout.class_names, names, ["label: from the names of the .npy files"])


def write(collection: Collection, folder: Path) -> None:
    """Write one file, `data.npz`."""
    arrays = {"class_names": np.array(collection.class_names)}
    for split in collection.given_splits or ("",):
        indices = collection.indices(split or None)
        suffix = {"": "", "train": "_train", "validation": "_val", "test": "_test"}[split]
        arrays[f"x{suffix}"] = np.stack([collection.read(i) for i in indices])
        arrays[f"y{suffix}"] = collection.labels[indices]
    np.savez_compressed(folder / "data.npz", allow_pickle=False, **arrays)


def _npz_files(tree: Tree) -> list[str]:
    files = [name for name in tree.names if name.lower().endswith(".npz")]
    if tree.single and not files and tree.start(tree.names[0], 4) == b"PK\x03\x04":
        files = list(tree.names)
    return files


def _archives(tree: Tree) -> dict[str, str]:
    """Return the NumPy archive of a tree, or one for each split (`train.npz`, `test.npz`), and their splits."""
    files = _npz_files(tree)
    if len(files) == 1:
        return {files[0]: ""}
    splits = {name: split_of_file(name) or "" for name in files}
    return splits if "" not in splits.values() and len(set(splits.values())) == len(files) else {}


def _single_arrays(tree: Tree) -> dict[str, str]:
    """Return files that hold an array each, and the names of the arrays, if these are those of pictures and of labels.

    The files are in one folder, or in folders named as splits: `train/images.npy`.
    """
    files = _topmost([name for name in tree.names if name.lower().endswith((".npy", ".npz"))])
    folders = {name.rpartition("/")[0] for name in files}
    splits = {folder: split_named(folder.rpartition("/")[2]) for folder in folders}
    if len(folders) > 1 and None in splits.values():
        return {}
    several = len(folders) > 1
    keys = {name: f"{splits[name.rpartition('/')[0]]}/{_stem(name)}" if several else _stem(name) for name in files}
    named = {"pictures", "labels"} <= {role_of(_stem(name)) for name in files}
    return keys if named and len(set(keys.values())) == len(files) else {}


def _classes(tree: Tree) -> dict[str, str]:
    """Return .npy files of one class each, and the classes; none if a name is that of pictures, labels or a split."""
    files = _topmost([name for name in tree.names if name.lower().endswith(".npy")])
    stems = [_stem(name) for name in files]
    one_folder = len({name.rpartition("/")[0] for name in files}) == 1
    if len(files) < 2 or not one_folder or any(role_of(stem) or split_in_file_name(stem) for stem in stems):
        return {}
    starts = [stems[0][: mark.end()] for mark in re.finditer("[_-]", stems[0])]
    shared = max((len(start) for start in starts if all(stem.startswith(start) for stem in stems)), default=0)
    return {name: stem[shared:] for name, stem in zip(files, stems, strict=True)}


def _topmost(files: list[str]) -> list[str]:
    top = min((name.count("/") for name in files), default=0)
    return [name for name in files if name.count("/") == top]


def _several(tree: Tree) -> DataError:
    files = _npz_files(tree)
    more = ", ..." if len(files) > 5 else ""
    return DataError(
        f"{tree.path}: contains {len(files)} NumPy archives ({', '.join(files[:5])}{more})",
        "one, or one for each split, such as train.npz and test.npz",
        "give the path of the archive to read",
    )


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

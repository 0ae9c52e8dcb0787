"""Find pictures, labels, splits and class names among named arrays, for the formats that store such arrays."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from tellapart.data.arrays import to_labels, words_of
from tellapart.data.collection import Collection
from tellapart.data.formats._blocks import Block, from_blocks
from tellapart.data.split_names import split_named
from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.text import counted

PICTURES = ("images", "image", "imgs", "img", "pictures", "pixels", "x", "data", "features", "inputs")
LABELS = ("labels", "label", "y", "target", "targets", "classes", "class", "ans", "outputs")
CLASS_NAMES = ("class_names", "classes", "list_classes", "label_names", "labels_names", "target_names", "categories")
"""Words in the names of arrays. Of several pairs with the same labels, the one whose word stands first is read."""

EXPECTED = "pictures and labels named x_train, y_train, x_test, y_test, or x and y, or train_images, train_labels"


@dataclass(frozen=True)
class _Pair:
    split: str | None
    pictures: str
    labels: str


@dataclass
class _Found:
    """What the arrays are. `inferred` has a line for pairs that were found by their shapes.

    `copies` are pictures whose labels go with another array, such as rows of the same pixels.
    """

    pairs: list[_Pair] = field(default_factory=list)
    inferred: list[str] = field(default_factory=list)
    copies: list[str] = field(default_factory=list)


def from_arrays(
    tree: Tree, arrays: Mapping[str, np.ndarray], where: str, class_names: Sequence[str] | None
) -> Collection:
    """Return the collection in named arrays. Raises DataError, which names an array, if they are not a data set."""
    listed = [name for name in arrays if _is_class_names(name, arrays[name])]
    if class_names is None and listed:
        class_names = _alike({name: words_of(arrays[name], f"{where}: {name}") for name in listed}, where)
    found = _found({name: array for name, array in arrays.items() if name not in listed}, where)
    blocks: list[Block] = []
    for pair in found.pairs:
        labels = arrays[pair.labels]
        numbers, words = to_labels(labels, f"{where}: {pair.labels}", class_names)
        _check_count(arrays[pair.pictures], len(numbers), where, pair)
        # Without given names, a split may lack some classes: then the names are joined, not their positions.
        blocks.append((pair.split, arrays[pair.pictures], numbers if class_names else np.array(words)[numbers]))
    if class_names is None and all(_is_number(word) for _, _, words in blocks for word in words.tolist()):
        blocks = [(split, pixels, words.astype(np.int64)) for split, pixels, words in blocks]
    used = {name for pair in found.pairs for name in (pair.pictures, pair.labels)} | set(listed)
    left = {name: array for name, array in arrays.items() if name not in used}
    odd = [name for name, array in left.items() if role_of(name) and array.ndim and name not in found.copies]
    notes = [_unpaired(name, left[name]) for name in odd]
    others = [name for name in left if name not in odd]
    lines = [
        *found.inferred,
        *([f"not used: {', '.join(others[:5])}" + (", ..." if len(others) > 5 else "")] if others else []),
    ]
    names = [f"{where}: {pair.pictures}" for pair in found.pairs]
    return from_blocks(tree, blocks, class_names, names, lines, notes)


def _alike(lists: Mapping[str, list[str]], where: str) -> list[str]:
    """Return the class names of all splits. Raises DataError if they differ."""
    first, *others = lists
    other = next((name for name in others if lists[name] != lists[first]), None)
    if other is not None:
        raise DataError(
            f"{where}: {first} and {other} differ", "the same class names in all splits", "save the arrays again"
        )
    return lists[first]


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdigit() and len(word) < 10


def _is_class_names(name: str, array: np.ndarray) -> bool:
    return name.lower().rsplit("/", 1)[-1] in CLASS_NAMES and array.ndim == 1 and array.dtype.kind in "US"


def _check_count(pictures: np.ndarray, count: int, where: str, pair: _Pair) -> None:
    if count not in (pictures.shape[:1] + pictures.shape[-1:]):
        raise DataError(
            f"{where}: {pair.labels} contains {count:,} labels",
            f"{len(pictures) if pictures.ndim else 0:,}, one for each picture in {pair.pictures}",
            "save the arrays again",
        )


def _unpaired(name: str, array: np.ndarray) -> str:
    pictures = role_of(name) == "pictures" or array.ndim > 2
    return (
        f"not used: {name} ({counted(len(array), 'picture')} without labels)"
        if pictures
        else (f"not used: {name} ({counted(len(array), 'label')} without pictures)")
    )


def _words(name: str) -> list[str]:
    """The words of a name, in lower case: train, x of `x_train`, `trainX`, `Xtrain`, `X-train` and `train.x`."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    words = [word for word in re.split(r"[^a-z0-9]+", apart.lower()) if word]
    split = []
    for word in words:
        first, rest = word[:1], word[1:]
        split += [first, rest] if first in "xy" and split_named(rest) else [word]
    return split


def role_of(name: str) -> str | None:
    """Whether a name is that of pictures or labels; the last such word counts: `train_data_labels`."""
    roles = dict.fromkeys(PICTURES, "pictures") | dict.fromkeys(LABELS, "labels")
    return next((roles[word] for word in reversed(_words(name)) if word in roles), None)


def _found(arrays: Mapping[str, np.ndarray], where: str) -> _Found:
    """The pairs of pictures and labels: by name, else by position (arr_0, arr_1), else by shape."""
    found = _by_name(arrays)
    if found.pairs:
        return found
    positional = _by_position(arrays)
    if positional:
        said = ", ".join(f"{pair.pictures} with {pair.labels}" for pair in positional)
        return _Found(positional, [f"pictures and labels: {said}, by their shapes"])
    if any(array.ndim > 2 for array in arrays.values()):
        alone = [name for name, array in arrays.items() if array.ndim > 2]
        mates = [name for name in arrays if name != alone[0] and _fits(arrays[alone[0]], arrays[name])]
        if len(alone) == len(mates) == 1:
            return _Found(
                [_Pair(None, alone[0], mates[0])], [f"pictures: {alone[0]}; labels: {mates[0]}, by their shapes"]
            )
    shown = ", ".join(f"{name} {array.shape}" for name, array in list(arrays.items())[:6])
    raise DataError(f"{where}: contains {shown or 'no arrays'}", EXPECTED, "save the arrays under these names")


def _by_name(arrays: Mapping[str, np.ndarray]) -> _Found:
    """The pairs whose names differ only in a word for pictures and one for labels."""
    pairs: dict[str, _Pair] = {}
    copies: list[str] = []
    rest = {name: _without(name, LABELS) for name in arrays}
    for rank in PICTURES:
        for name in arrays:
            words = _words(name)
            if rank not in words:
                continue
            others = [word for word in words if word != rank]
            mate = next(
                (
                    label
                    for word in LABELS
                    for label in arrays
                    if label != name and word in _words(label) and rest[label] == others
                ),
                None,
            )
            if mate in pairs:
                copies.append(name)
            elif mate is not None:
                pairs[mate] = _Pair(next((split for word in others if (split := split_named(word))), None), name, mate)
    order = list(arrays)
    return _Found(sorted(pairs.values(), key=lambda pair: order.index(pair.pictures)), copies=copies)


def _without(name: str, words: Sequence[str]) -> list[str]:
    """The words of a name without its last word among `words`."""
    found = _words(name)
    place = next((i for i in reversed(range(len(found))) if found[i] in words), None)
    return [word for i, word in enumerate(found) if i != place]


def _by_position(arrays: Mapping[str, np.ndarray]) -> list[_Pair]:
    """The pairs of unnamed arrays: pictures, labels and, in four, those of training before those of test."""
    names = sorted(name for name in arrays if re.fullmatch(r"arr_\d", name))
    if len(names) not in (2, 4) or len(names) < len(arrays):
        return []
    pictures = [
        name for name in names if arrays[name].ndim > 2 or (arrays[name].ndim == 2 and arrays[name].shape[1] > 15)
    ]
    labels = [name for name in names if name not in pictures]
    fit = len(pictures) == len(labels) and all(
        _fits(arrays[a], arrays[b]) for a, b in zip(pictures, labels, strict=True)
    )
    splits = ("train", "test") if len(names) == 4 else (None,)
    return [_Pair(*three) for three in zip(splits, pictures, labels, strict=True)] if fit else []


def _fits(pictures: np.ndarray, labels: np.ndarray) -> bool:
    """Whether an array may be the labels of pictures: a number or word each, or one-hot rows."""
    return labels.ndim in (1, 2) and len(labels) in (len(pictures), pictures.shape[-1]) and len(labels) > 1

"""The usual names of splits in folders, file names and tables: train, validation and test."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath

SPLITS = ("train", "validation", "test")
"""The splits, in their usual order."""

_WORDS = {
    "train": "train training training_set train_set trainset",
    "validation": "validation val valid validate dev validation_set val_set valid_set valset validset",
    "test": "test testing test_set testset t10k eval evaluation holdout hold_out",
}
_SPLIT_OF = {word: split for split, words in _WORDS.items() for word in words.split()}


def split_named(word: str) -> str | None:
    """Return the split for a folder name or a value of a split column, or None."""
    return _SPLIT_OF.get(word.strip().lower().replace("-", "_"))


def split_in_file_name(name: str) -> str | None:
    """Return the split in a file name, or None: `fashion-mnist_train.csv`, `validation-00000-of-00002.parquet`."""
    tokens = re.split(r"[^a-z0-9]+", name.rsplit("/", 1)[-1].lower())
    return next((split for token in tokens if (split := _SPLIT_OF.get(token))), None)


def split_of_file(name: str) -> str | None:
    """Return the split in a file name or, without one, of its folder: `train/0000.parquet`; None for neither."""
    return split_in_file_name(name) or split_named(PurePosixPath(name).parent.name)


def words_in(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


CONTAINERS = words_in(
    "image images img imgs picture pictures pics photos data dataset datasets files frames jpegimages jpgs pngs "
    "jpg jpeg png tif tiff bmp"
)
"""Words for what any folder of pictures contains: a folder named by them alone is not a class."""

PORTIONS = words_in("part parts fold folds batch batches chunk chunks shard shards subset archive split cv")
"""Words for a portion of a collection, which usually have a number."""

_FILLERS = (
    CONTAINERS
    | PORTIONS
    | words_in(
        "set sets folder final new raw original resized cropped processed small full my the photo file v version"
    )
)
"""Words that say nothing about what a picture shows, if they are next to the name of a split."""

_HINT = re.compile("|".join(sorted({word[:4] for word in _SPLIT_OF})), re.IGNORECASE)
"""Without one of these, a name has no word for a split; there may be many thousands of names."""

MOST_LETTERS = 255
"""Longer names are not those of folders; an archive may have any."""


@dataclass(frozen=True)
class SplitWord:
    """The split that a folder's name has as a word; `rest` are its other words, without those that say nothing.

    `exact` is whether the name is a usual name of a split, and nothing else.
    """

    split: str
    rest: tuple[str, ...]
    exact: bool


def words_of(name: str) -> list[str]:
    """Return the words and numbers in a name, in lower case: `Training_Set_v2` has training, set, v and 2."""
    return [word.lower() for word in re.findall(r"[^\W\d_]?[^\W\d_A-Z]+|[A-Z]+(?![a-z])|\d+", name)]


def split_in_folder_name(name: str) -> SplitWord | None:
    """Return the split that is a word of a folder's name, or None: `seg_train`, `test1`, `x-test-set`, `trainData`.

    Whether the folder is that split is for its siblings to show: a class may be called test_tube.
    """
    return _split_in_name(name) if len(name) <= MOST_LETTERS and _HINT.search(name) else None


@lru_cache(4096)
def _split_in_name(name: str) -> SplitWord | None:
    if exact := split_named(name):
        return SplitWord(exact, (), True)
    words = words_of(name)
    found = {split for word in words if (split := _split_word(word))}
    if found == {"train", "validation"}:  # pictures for both
        found = {"train"}
    if len(found) != 1:
        return None
    rest = tuple(
        word for word in words
        if not (_split_word(word) or word in _FILLERS or word.isdigit() or len(word) == 1)
    )  # fmt: skip
    return SplitWord(found.pop(), rest, False)


def _split_word(word: str) -> str | None:
    """Return the split that a word names, also together with a word that says nothing: `trainset`, `testimages`."""
    if word in _SPLIT_OF:
        return _SPLIT_OF[word]
    return next(
        (split for one, split in _SPLIT_OF.items() if word.startswith(one) and word[len(one) :] in _FILLERS), None
    )

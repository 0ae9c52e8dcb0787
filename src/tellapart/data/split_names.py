"""The words that people use for train, validation and test."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

SPLITS = ("train", "validation", "test")

_WORDS = {
    "train": "train training training_set train_set",
    "validation": "validation val valid dev validation_set val_set valid_set",
    "test": "test testing test_set t10k",
}
_PART_OF = {word: split for split, words in _WORDS.items() for word in words.split()}


def split_named(word: str) -> str | None:
    """The part that a folder name or a value in a split column stands for, or None."""
    return _PART_OF.get(word.strip().lower().replace("-", "_"))


def split_in_file_name(name: str) -> str | None:
    """The part that a file name speaks of: `fashion-mnist_train.csv`, `validation-00000-of-00002.parquet`."""
    tokens = re.split(r"[^a-z0-9]+", name.rsplit("/", 1)[-1].lower())
    return next((split for token in tokens if (split := _PART_OF.get(token))), None)


def split_of_file(name: str) -> str | None:
    """The part that a file's name speaks of, or else the folder that it lies in: `train/0000.parquet`."""
    return split_in_file_name(name) or split_named(PurePosixPath(name).parent.name)

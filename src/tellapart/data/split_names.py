"""The usual names of splits in folders, file names and tables: train, validation and test."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

SPLITS = ("train", "validation", "test")
"""The splits, in their usual order."""

_WORDS = {
    "train": "train training training_set train_set",
    "validation": "validation val valid dev validation_set val_set valid_set",
    "test": "test testing test_set t10k",
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

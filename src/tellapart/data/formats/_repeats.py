"""Rows that list a file again: dropped with a note where they agree, an error where they do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from tellapart.data.words import Words
from tellapart.errors import DataError
from tellapart.text import counted


def first_rows(
    files: Words, labels: np.ndarray, splits: np.ndarray | None, classes: Sequence[str], place: Callable[[int], str]
) -> tuple[np.ndarray | None, list[str]]:
    """Return the rows to keep, bool [n], or None for all of them, and a note about the others.

    `place(i)` names row i for errors. Raises DataError if a file has two labels or is in two splits.
    """
    hashes = np.fromiter(map(hash, files), np.int64, len(files))
    different, _first = np.unique(hashes, return_index=True)
    if len(different) == len(files):
        return None, []
    kept = np.ones(len(files), bool)
    seen: dict[str, int] = {}
    for i, file in enumerate(files):
        known = seen.setdefault(file, i)
        if known == i:
            continue
        if labels[i] != labels[known] or (splits is not None and splits[i] != splits[known]):
            raise _conflict(file, i, known, place, _difference(i, known, labels, splits, classes))
        kept[i] = False
    dropped = np.flatnonzero(~kept)
    if not len(dropped):
        return None, []
    shown = f"{place(int(dropped[0]))}: {files[int(dropped[0])]}"
    note = f"left out: {counted(len(dropped), 'row')} that list a file again with the same label ({shown})"
    return kept, [note]


def _difference(
    i: int, known: int, labels: np.ndarray, splits: np.ndarray | None, classes: Sequence[str]
) -> tuple[str, str]:
    if labels[i] != labels[known]:
        return f"with the label {classes[labels[i]]!r}", repr(classes[labels[known]])
    assert splits is not None
    return f"in the split {splits[i]}", str(splits[known])


def _conflict(file: str, i: int, known: int, place: Callable[[int], str], words: tuple[str, str]) -> DataError:
    now, before = words
    return DataError(
        f"{place(i)}: lists {file} a second time, {now} ({place(known)} has {before})",
        "one label and one split for each file",
        "remove the wrong row",
    )

"""Groups that file names suggest: a shared beginning before a running number, a folder, a date with a time."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

SEPARATORS = "_-. "
"""Characters between the words of file names."""

AUGMENTED = r"([^/]*)\.rf\.[^/]*$"
"""Copies of one picture that Roboflow made: `name_jpg.rf.<hash>.jpg`."""

SEEN = 512
"""Names that are examined to find the separators."""

_TIME = re.compile(
    r"(?<!\d)((?:19|20)\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])[-_ T.]*([01]\d|2[0-3])[-_.:h]?([0-5]\d)"
    r"[-_.:m]?([0-5]\d)"
)


@dataclass(frozen=True)
class Pattern:
    """A regular expression for file names, as `--group` takes it, and the groups int64 [n] that it makes."""

    expression: str
    groups: np.ndarray


def patterns(keys: Sequence[str], labels: np.ndarray) -> Iterator[Pattern]:
    """Yield the regular expressions that may name the groups of pictures, coarse ones first.

    `keys` are file names, `labels` int64 [n]. Expressions that make a group of every picture, or of every class, are
    left out: such groups say nothing.
    """
    known: set[bytes] = set()
    for expression in _expressions(keys):
        groups = groups_by(expression, keys)
        if groups is None or not is_useful(groups, labels) or groups.tobytes() in known:
            continue
        known.add(groups.tobytes())
        yield Pattern(expression, groups)


def groups_by(expression: str, keys: Sequence[str]) -> np.ndarray | None:
    """Return the groups int64 [n], numbered as they appear; None if fewer than half of the names match.

    A name that does not match is a group of its own.
    """
    find = re.compile(expression).search
    numbers: dict[str, int] = {}
    groups, unmatched = np.empty(len(keys), np.int64), 0
    for i, key in enumerate(keys):
        match = find(key)
        unmatched += match is None
        groups[i] = numbers.setdefault(match[1] if match else f"\0{i}", len(numbers))
    return None if 2 * unmatched > len(keys) else groups


def times(keys: Sequence[str]) -> np.ndarray:
    """Return the date and time in each file name, in seconds since 1970, int64 [n]; 0 where there is none."""
    return np.array([_seconds(key.rsplit("/", 1)[-1]) for key in keys], np.int64)


def _seconds(name: str) -> int:
    match = _TIME.search(name)
    return calendar.timegm(tuple(map(int, match.groups()))) if match else 0


def _expressions(keys: Sequence[str]) -> Iterator[str]:
    """Yield expressions for the separators that occur: the words before the first one, and before the last ones."""
    bases = [_stem(key) for key in keys[:: len(keys) // SEEN + 1]]
    deep = any("/" in key for key in keys)
    if any(".rf." in base for base in bases):
        yield AUGMENTED
    if any(key.count("/") > 1 for key in keys):
        yield r"([^/]+/[^/]+)/[^/]*$"  # a folder inside the class folder
    for mark in SEPARATORS:
        counts = [base.count(mark) for base in bases]
        if 2 * sum(count > 0 for count in counts) < len(bases):
            continue
        word, sign = rf"[^/{re.escape(mark)}]", re.escape(mark)
        end = rf"{sign}{word}*" + (r"\.[^/.]*$" if mark == "." else "$")  # the last word, with the extension
        yield from _scoped(f"{word}+", rf"{sign}[^/]*" + (end[-len(r"\.[^/.]*$") :] if mark == "." else "$"), deep)
        if max(counts) > 2:
            yield from _scoped("[^/]+", rf"{sign}{word}*{end}", deep)
        if max(counts) > 1:
            yield from _scoped("[^/]+", end, deep)
    yield from _scoped(r"[^/]*\D", r"\d+[^\d/]*$", deep)  # before the last number, without a separator


def _stem(key: str) -> str:
    """Return a file's name without folders and extension."""
    return key.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _scoped(words: str, end: str, deep: bool) -> Iterator[str]:
    """Yield an expression for the words in any folder, then for the words in one folder: the finer groups."""
    yield f"(?:^|/)({words}){end}"
    if deep:
        yield f"([^/]+/{words}){end}"


def is_useful(groups: np.ndarray, labels: np.ndarray) -> bool:
    """Return whether groups int [n] have several members, and classes int [n] several groups."""
    sizes = np.bincount(groups)
    shared = sizes[sizes > 1].sum()
    of_class = len(np.unique(groups * (labels.max() + 1) + labels)) / len(np.unique(labels))
    return bool(shared >= max(20, len(groups) / 50) and of_class >= 2)

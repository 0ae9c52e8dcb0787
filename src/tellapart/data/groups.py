"""Group pictures that belong together, such as those of one subject or burst, by a table column or by file names."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from tellapart.data.collection import Collection
from tellapart.errors import UsageError
from tellapart.text import counted


def grouped(collection: Collection, by: str) -> Collection:
    """Return the collection grouped `by` a column of its table, or by a regular expression for file names.

    The group is named by what the first bracket of the expression matches, or the whole match without brackets. A
    picture whose name does not match, or matches an empty text, is a group of its own; the collection's notes report
    it. Raises UsageError if `by` is neither, or if the groups are useless.
    """
    if by in collection.columns:
        words = collection.columns[by]
        names = [word or f"row {row}" for row, word in enumerate(words)]
        _check_useful(by, names, collection, "another column, or a regular expression for file names")
        return replace(collection, groups=np.array(names), grouped_by=by)
    known = f"; the columns are {', '.join(collection.columns)}" if collection.columns else ""
    expected = f"a column of the table, or a regular expression for file names{known}"
    try:
        pattern = re.compile(by)
    except re.error as error:
        raise UsageError(
            f"--group {by!r}: is not a column and not a valid regular expression ({error})", expected, ""
        ) from error
    matches = [_name(pattern.search(key)) for key in collection.keys]
    if not any(matches):
        raise UsageError(
            f"--group {by!r}: does not occur in any file name ({collection.keys[0]}, ...)",
            expected,
            r"for example 'subject(\d+)'",
        )
    names = [match or f"picture {i}" for i, match in enumerate(matches)]
    _check_useful(by, names, collection, "put brackets around the text that identifies the subject")
    notes = collection.notes
    if unmatched := [key for key, match in zip(collection.keys, matches, strict=True) if not match]:
        more = ", ..." if len(unmatched) > 1 else ""
        names_of = counted(len(unmatched), "picture")
        notes += (f"--group {by!r}: does not occur in the names of {names_of} ({unmatched[0]}{more})",)
    return replace(collection, groups=np.array(names), notes=notes, grouped_by=by)


def with_groups(collection: Collection, numbers: np.ndarray, by: str) -> Collection:
    """Return the collection with the groups int64 [n]; each has the name of its first picture."""
    _, firsts, members = np.unique(numbers, return_index=True, return_inverse=True)
    names = np.array([collection.keys[i] for i in firsts.tolist()])
    return replace(collection, groups=names[members], grouped_by=by)


def _check_useful(by: str, names: list[str], collection: Collection, action: str) -> None:
    """Raise UsageError if every picture has a group of its own, or all have the same."""
    if len(set(names)) == len(names):
        raise UsageError(
            f"--group {by!r}: makes a group of its own for every picture ({collection.keys[0]}: {names[0]!r})",
            "a value that several pictures share",
            action,
        )
    if len(set(names)) == 1:
        raise UsageError(
            f"--group {by!r}: puts all pictures into one group, {names[0]!r}",
            "a value that differs between groups",
            action,
        )


def _name(match: re.Match[str] | None) -> str:
    """Return the name of the group; empty if there is no match, or no bracket matches."""
    if match is None or (match.re.groups and not any(match.groups())):
        return ""
    return str(
        match[0] if not match.re.groups or match[1] is None else match[1]
    )  # an alternative without the first bracket

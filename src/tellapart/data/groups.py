"""Which pictures belong together - of one subject, one burst, one film - by a column of a table or by their names."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from tellapart.data.collection import Collection
from tellapart.errors import UsageError
from tellapart.text import counted


def grouped(collection: Collection, by: str) -> Collection:
    """The collection with its groups named `by` a column of its table, or by a regular expression found in file names.

    What the expression's first bracket matches (all of the match, where there is none) names the group; a picture in
    whose name that is not found, or is empty, is a group of its own, which the collection's notes say. Raises
    UsageError where `by` is neither, or groups nothing.
    """
    if by in collection.columns:
        words = collection.columns[by]
        names = [word or f"row {row}" for row, word in enumerate(words)]
        _check_useful(by, names, collection, "another column, or a regular expression for file names")
        return replace(collection, groups=np.array(names))
    known = f"; the columns are {', '.join(collection.columns)}" if collection.columns else ""
    expected = f"a column of the table, or a regular expression for file names{known}"
    try:
        pattern = re.compile(by)
    except re.error as error:
        raise UsageError(
            f"--group {by!r}: is no column and no regular expression ({error})", expected, "correct it"
        ) from error
    matches = [_name(pattern.search(key)) for key in collection.keys]
    if not any(matches):
        raise UsageError(
            f"--group {by!r}: is found in no file name ({collection.keys[0]}, ...)",
            expected,
            r"try 'subject(\d+)', say",
        )
    names = [match or f"picture {i}" for i, match in enumerate(matches)]
    _check_useful(by, names, collection, "put brackets around the part of the name that the subject is known by")
    notes = collection.notes
    if lacking := [key for key, match in zip(collection.keys, matches, strict=True) if not match]:
        more = ", ..." if len(lacking) > 1 else ""
        notes += (f"--group {by!r}: not found in the names of {counted(len(lacking), 'picture')} ({lacking[0]}{more})",)
    return replace(collection, groups=np.array(names), notes=notes)


def _check_useful(by: str, names: list[str], collection: Collection, action: str) -> None:
    """Raise UsageError where names of groups keep nothing together, or all."""
    if len(set(names)) == len(names):
        raise UsageError(
            f"--group {by!r}: gives every picture a group of its own ({collection.keys[0]}: {names[0]!r})",
            "something that several pictures share",
            action,
        )
    if len(set(names)) == 1:
        raise UsageError(
            f"--group {by!r}: puts all pictures into one group, {names[0]!r}",
            "something that differs between groups",
            action,
        )


def _name(match: re.Match[str] | None) -> str:
    """What names the group; empty where that is not found, or is a bracket that matches nothing."""
    if match is None or (match.re.groups and not any(match.groups())):
        return ""
    return str(match[0] if not match.re.groups or match[1] is None else match[1])  # of alternatives, another one

"""Class names that print alike: joined where they can only mean one class, else reported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tellapart.data.collection import Collection
from tellapart.text import listed, visible


def with_clear_names(collection: Collection) -> Collection:
    """Return the collection with classes joined whose names differ only in what is not visible.

    That is blanks at the ends, several blanks for one, accents composed in another way (Unicode NFC and NFD), and
    invisible characters. Names that differ only in case stay two classes. The collection's notes report both. Names
    that the caller gave are not joined.
    """
    names = collection.class_names
    seen: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        seen.setdefault(visible(name), []).append(i)
    alike = {name: places for name, places in seen.items() if len(places) > 1}
    notes = _notes_on_case(collection, list(seen))
    if alike and collection.named:
        shown = listed(repr(names[place]) for places in alike.values() for place in places)
        notes.append(f"the class names {shown} print alike")
    elif alike:
        notes += [_joined(collection, name, places) for name, places in alike.items()]
        collection = _join(collection, seen)
    return replace(collection, notes=(*collection.notes, *notes)) if notes else collection


def _join(collection: Collection, alike: dict[str, list[int]]) -> Collection:
    """Return the collection with one class for each group of classes; names in plain string order stay in that order.

    A class that is alone keeps its name.
    """
    names = collection.class_names
    groups = [(name if len(places) > 1 else names[places[0]], places) for name, places in alike.items()]
    if list(names) == sorted(names):
        groups.sort()
    target = np.empty(len(names), np.int64)
    for new, (_, places) in enumerate(groups):
        target[places] = new
    return replace(collection, class_names=tuple(name for name, _ in groups), labels=target[collection.labels])


def _joined(collection: Collection, name: str, places: list[int]) -> str:
    shown = listed(_with_escapes(collection.class_names[place]) for place in places)
    return f"joined: the class names {shown} print alike and differ only in blanks or in Unicode form: one class {name}"


def _with_escapes(name: str) -> str:
    """Return a name in quotes in which letters that are not plain are written as escapes."""
    return repr(name) if name.isascii() else ascii(name)


def _notes_on_case(collection: Collection, names: list[str]) -> list[str]:
    """Return a note for each group of names that differ only in case."""
    seen: dict[str, list[str]] = {}
    for name in names:
        seen.setdefault(name.casefold(), []).append(name)
    return [
        f"the class names {listed(map(repr, same))} differ only in case; they are read as {len(same)} classes"
        for same in seen.values() if len(same) > 1
    ]  # fmt: skip

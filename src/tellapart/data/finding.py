"""The input of a check, and its findings: pictures by their positions, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.inspect import Inspection

MANY, LAYOUT = 10, 0.25
"""Near-duplicates are pictures with one layout, not copies, if a group has more than MANY, and such groups have more
than this share of a class."""

NAMED = 6
"""Pictures of a finding that its text names."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A collection whose pictures were inspected.

    `predictions`, float [n, classes] or None, are probabilities from models that were not trained on the picture; NaN
    for pictures that cannot be read.
    """

    inspection: Inspection
    predictions: np.ndarray | None = None

    @property
    def collection(self) -> Collection:
        """The collection."""
        return self.inspection.collection

    def one_layout(self, group: Sequence[int]) -> bool:
        """Return whether near-duplicates are different pictures with one layout, such as a fixed camera's, not copies.

        They are if they are many, and if such groups have more than a quarter of the pictures of a class: five fixed
        cameras make five groups.
        """
        return self._different(group) > MANY and bool(self._layouts[self.collection.labels[list(group)]].any())

    def _different(self, group: Sequence[int]) -> int:
        """Count the pictures of a group that are not exact duplicates of each other."""
        return len({self.first_copies.get(i, i) for i in group})

    @cached_property
    def _layouts(self) -> np.ndarray:
        """The classes of which large groups of near-duplicates have a large share, bool [classes]."""
        groups = [group for group in self.inspection.duplicates.groups if self._different(group) > MANY]
        large = sorted({self.first_copies.get(i, i) for group in groups for i in group})
        here = self.collection.class_counts(np.array(large, np.int64))
        return here > LAYOUT * self.collection.class_counts()

    def named(self, group: Sequence[int], tag: Callable[[int], str]) -> tuple[str, tuple[int, ...]]:
        """Return text with the names of a group's pictures, and the pictures in that order: first one of each `tag`."""
        firsts: dict[str, int] = {}
        for i in group:
            firsts.setdefault(tag(i), i)
        order = (*firsts.values(), *(i for i in group if firsts[tag(i)] != i))
        names = ", ".join(f"{self.collection.keys[i]} ({tag(i)})" for i in order[:NAMED])
        more = f" and {len(order) - NAMED:,} more" if len(order) > NAMED else ""
        return names + more, order

    @cached_property
    def first_copies(self) -> dict[int, int]:
        """The first of its exact duplicates for each picture that has any."""
        return {i: group[0] for group in self.inspection.duplicates.of("exact") for i in group}


@dataclass(frozen=True)
class Finding:
    """A finding about one picture, several pictures, or (without pictures) the collection.

    A clean manifest leaves out the pictures `drop` and changes the class of those in `relabel`. `facts` are the values
    in `words`, by name, for JSON.
    """

    words: str
    pictures: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    relabel: Mapping[int, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self, collection: Collection) -> dict[str, Any]:
        """Return the finding as JSON values."""
        content: dict[str, Any] = {"words": self.words, "files": [collection.keys[i] for i in self.pictures]}
        if self.drop:
            content["drop"] = [collection.keys[i] for i in self.drop]
        if self.relabel:
            content["relabel"] = {collection.keys[i]: name for i, name in self.relabel.items()}
        return content | dict(self.facts)

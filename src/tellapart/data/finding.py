"""What checks work on, and what they find: pictures by their places in the collection, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.inspect import Inspection

MANY, LAYOUT = 10, 0.25
"""So many pictures that are nearly the same, and such a share of a class in groups of so many: no copies of one, but of
one layout."""

NAMED = 6
"""So many pictures of a finding are named in its words."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A collection that was looked at.

    `predictions` float [n, classes], where there are any, are the probabilities that models gave which had not seen the
    picture; NaN for pictures that cannot be read.
    """

    inspection: Inspection
    predictions: np.ndarray | None = None

    @property
    def collection(self) -> Collection:
        """The collection."""
        return self.inspection.collection

    def one_layout(self, group: Sequence[int]) -> bool:
        """Whether pictures that show nearly the same are of one layout - of a camera that stands still - and no copies.

        They are where they are many, and such groups hold more than a quarter of the pictures of a class: five cameras
        that stand still make five groups.
        """
        return self._different(group) > MANY and bool(self._layouts[self.collection.labels[list(group)]].any())

    def _different(self, group: Sequence[int]) -> int:
        """How many of some pictures are not the very copy of another."""
        return len({self.twins.get(i, i) for i in group})

    @cached_property
    def _layouts(self) -> np.ndarray:
        """Bool [classes]: of which classes large groups of pictures that show nearly the same hold a large share."""
        groups = [group for group in self.inspection.duplicates.groups if self._different(group) > MANY]
        large = sorted({self.twins.get(i, i) for group in groups for i in group})
        here = self.collection.class_counts(np.array(large, np.int64))
        return here > LAYOUT * self.collection.class_counts()

    def named(self, group: Sequence[int], tag: Callable[[int], str]) -> tuple[str, tuple[int, ...]]:
        """Names in words of pictures that belong together, and the pictures in that order: of each `tag` one first."""
        firsts: dict[str, int] = {}
        for i in group:
            firsts.setdefault(tag(i), i)
        order = (*firsts.values(), *(i for i in group if firsts[tag(i)] != i))
        names = ", ".join(f"{self.collection.keys[i]} ({tag(i)})" for i in order[:NAMED])
        more = f" and {len(order) - NAMED:,} more" if len(order) > NAMED else ""
        return names + more, order

    @cached_property
    def twins(self) -> dict[int, int]:
        """Of each picture that has very copies, pixel by pixel, the first of them."""
        return {i: group[0] for group in self.inspection.duplicates.of("exact") for i in group}


@dataclass(frozen=True)
class Finding:
    """Something about one picture, or several together, or (no picture) about the collection.

    A clean manifest leaves out the pictures `drop`, and gives those in `relabel` another class. `facts` are what the
    words say, by name, for machines.
    """

    words: str
    pictures: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    relabel: Mapping[int, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self, collection: Collection) -> dict[str, Any]:
        """For machines."""
        found: dict[str, Any] = {"words": self.words, "files": [collection.keys[i] for i in self.pictures]}
        if self.drop:
            found["drop"] = [collection.keys[i] for i in self.drop]
        if self.relabel:
            found["relabel"] = {collection.keys[i]: name for i, name in self.relabel.items()}
        return found | dict(self.facts)

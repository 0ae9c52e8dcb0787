"""What checks work on, and what they find: pictures by their places in the collection, and what to do about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.inspect import Inspection


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


@dataclass(frozen=True)
class Finding:
    """Something about one picture, or several together, or (no picture) about the collection.

    A clean manifest leaves out the pictures `drop`, and gives those in `relabel` another class.
    """

    words: str
    pictures: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    relabel: Mapping[int, str] = field(default_factory=dict)

    def to_dict(self, collection: Collection) -> dict[str, Any]:
        """For machines."""
        found: dict[str, Any] = {"words": self.words, "files": [collection.keys[i] for i in self.pictures]}
        if self.drop:
            found["drop"] = [collection.keys[i] for i in self.drop]
        if self.relabel:
            found["relabel"] = {collection.keys[i]: name for i, name in self.relabel.items()}
        return found

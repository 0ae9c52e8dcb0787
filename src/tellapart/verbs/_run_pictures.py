"""What a training works on: a collection, its split table, and its prepared pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from tellapart.data.collection import Collection
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.feeding import Prepared
    from tellapart.data.split_table import SplitTable
    from tellapart.pretrained.compiled import Compiled
    from tellapart.recipes.find import AdaptiveRecipe
    from tellapart.training.logistic import FittedHead


@dataclass(frozen=True, eq=False)
class Pictures:
    """What a run works on: the collection, its split table, and all its pictures prepared.

    `found` is the recipe before the data decided what it leaves open; `fold` int [n] is the fold of each training
    picture, or None without cross-validation. `duplicates` are those of the collection, if they were searched for. With
    a pretrained `backbone` the prepared pictures have its features; `probe` is the head fitted to those of the training
    pictures, if it was needed to choose the recipe.
    """

    collection: Collection
    split_table: SplitTable
    data: Prepared
    found: AdaptiveRecipe
    fold: np.ndarray | None = None
    duplicates: Duplicates | None = None
    backbone: Compiled | None = None
    probe: FittedHead | None = None

    def of(self, split: str) -> Prepared:
        """The pictures of a split."""
        return self.data.select(self.split_table.indices(split))

    def validation(self) -> Prepared | None:
        """The pictures of the validation split, if there is one."""
        return self.of("validation") if self.split_table.counts()["validation"] else None

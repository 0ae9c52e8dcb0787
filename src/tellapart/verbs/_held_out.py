"""What a training holds out: a test split and a validation split, or folds of the training pictures in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tellapart.errors import DataError
from tellapart.progress import Listener, Note
from tellapart.verbs._train_options import Options

if TYPE_CHECKING:
    import numpy as np

    from tellapart.data.collection import Collection
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.split_table import SplitTable
    from tellapart.verbs._run_pictures import Pictures

VALIDATION = 0.1
"""The share of the training pictures for validation, unless it was set or there are folds."""

FEW, FOLDS = 2000, 5
"""With fewer training pictures than FEW, a head on frozen features is fitted to all of them and cross-validated.

A validation split of them would be too small to calibrate well, and its pictures are missed: of cats and dogs, 100
photos of each, 97.98 instead of 97.87 % of the test pictures are then predicted right.
"""


def split_of(collection: Collection, options: Options, duplicates: Duplicates) -> SplitTable:
    """Split the collection as the options ask, with duplicates kept together."""
    from tellapart.data.split_table import check_trainable, make_splits

    same, exact = duplicates.groups, duplicates.of("exact")
    if options.folds:  # each picture that is not in the data's own test split is trained on, and predicted once
        split_table = make_splits(collection, 0, 0, options.seed, same, exact).without_validation()
    else:
        validation = VALIDATION if options.validation is None else options.validation
        split_table = make_splits(collection, validation, options.test, options.seed, same, exact)
    check_trainable(collection, split_table)
    return split_table


def with_folds(pictures: Pictures, options: Options, on_event: Listener) -> Pictures:
    """The pictures with a fold for each training picture, if there are to be folds."""
    if options.folds is None:
        return pictures
    fold, notes = _folds(pictures, options.folds, options.seed)
    for note in notes:
        on_event(Note(f"folds: {note}"))
    return replace(pictures, fold=fold)


def without_holding_out(pictures: Pictures, options: Options, on_event: Listener) -> Pictures:
    """The pictures with folds instead of a validation split, if they are few and a head on frozen features is fitted.

    Nothing changes if the options or the data decide what is for validation, or the pictures cannot be in folds.
    """
    chosen = options.folds is not None or options.validation is not None
    own = "validation" in pictures.collection.given_splits
    counts = pictures.split_table.counts()
    if chosen or own or not pictures.found.recipe.frozen or counts["train"] + counts["validation"] >= FEW:
        return pictures
    merged = replace(pictures, split_table=pictures.split_table.without_validation(), probe=None)
    try:
        fold, _ = _folds(merged, FOLDS, options.seed)
    except DataError:
        return pictures
    count = f"all {len(merged.of('train')):,} of them are trained on"
    other = f"--validation {VALIDATION:g} holds some out instead"
    on_event(Note(f"validation: few pictures, so {count}, and {FOLDS} folds cross-validate them ({other})"))
    return replace(merged, fold=fold)


def _folds(pictures: Pictures, folds: int, seed: int) -> tuple[np.ndarray, list[str]]:
    from tellapart.data.duplicates import Duplicates
    from tellapart.data.folds import make_folds

    duplicates = pictures.duplicates or Duplicates((), ())
    return make_folds(pictures.collection, duplicates, pictures.of("train").indices, folds, seed)

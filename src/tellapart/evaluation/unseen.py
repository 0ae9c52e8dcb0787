"""Which pictures of a collection a model has already seen in training, and which are left to evaluate it on."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np

from tellapart.classifier.classifier import Classifier
from tellapart.data import datasets
from tellapart.data.collection import Collection
from tellapart.data.groups import grouped
from tellapart.data.layout import Layout, Said
from tellapart.data.source import open_collection
from tellapart.data.split_table import SplitTable, is_of, read_groups, read_seen, unpack_splits
from tellapart.errors import DataError, UsageError
from tellapart.progress import Listener, Note
from tellapart.training.run_folder import RECORD, SPLIT, count_test_evaluation, record_of

NAME_DATA = "name the data: tellapart evaluate MODEL DATA, or --data DATA with compare"


@dataclass(frozen=True, eq=False)
class Provenance:
    """What a model's training knew of a collection."""

    classifier: Classifier
    collection: Collection

    @cached_property
    def is_own(self) -> bool:
        """Whether the collection is the one that the model was trained on.

        Decided by names and sizes of all files and, if the run folder is there, by the content of some: a camera may
        start its numbers again each day and write files of one size.
        """
        classifier, collection = self.classifier, self.collection
        if collection.fingerprint != classifier.record.fingerprint:
            return False
        path = Path(classifier.source).with_name(SPLIT)
        has_run = path.is_file() and record_of(classifier.source, collection.fingerprint) is not None
        return not has_run or is_of(path, collection)

    @cached_property
    def split_table(self) -> SplitTable | None:
        """The split table of the model's training, if the collection is its own. Raises DataError if it is damaged."""
        if not self.is_own:
            return None
        return unpack_splits(self.collection, self.classifier.record.training.get("split", {}))

    def pictures(self, split: str) -> tuple[np.ndarray, str]:
        """The pictures that `split` (or "all") means for this model and data, int64 [n], and the reason in words.

        On the data that the model was trained on, this is the split of its training, which the model file remembers. On
        other data, pictures that training saw are left out if the run's split.csv is in the model's folder. Raises
        UsageError if there is no such split, DataError if training saw all of its pictures.
        """
        if split == "all":
            return self.collection.indices(None), "all pictures, including those that training saw"
        if self.split_table is not None:
            return self._own_pictures(self.split_table, split)
        given = self.collection.given_splits
        if split in given:
            return self._without_seen(self.collection.indices(split), "the data's own split", split)
        if not given and split == "test":
            reason = "all pictures: the data has no splits and is not what the model was trained on"
            return self._without_seen(self.collection.indices(None), reason, split)
        raise UsageError(
            f"{self.collection.source}: has no split {split!r} (its splits: {', '.join(given) or 'none'})",
            "a split of the data",
            "use --split all",
        )

    def trained_on(self, split: str) -> np.ndarray:
        """The pictures of a split, int64 [n], that training saw, or duplicates of them, as far as that is known.

        On other data `pictures` leaves these out already, except for the split "all".
        """
        table = self.split_table
        if table is not None:
            if split != "all":
                return table.leaks(split)
            return np.union1d(np.flatnonzero(table.splits != "test"), table.leaked)
        seen = self._seen(self.collection.indices(None)) if split == "all" else None
        return np.empty(0, np.int64) if seen is None else np.flatnonzero(seen)

    def count_evaluation(self, split: str) -> int | None:
        """Count an evaluation on the model's test split, if `split` contains it.

        Returns how many there have been, or None if this was not one.
        """
        table = self.split_table
        if table is None or split not in ("test", "all") or not table.counts()["test"]:
            return None
        return count_test_evaluation(self.classifier.source, self.collection.fingerprint)

    def grouped(self) -> Collection:
        """The collection with the groups of its training, if it is the model's own and its run folder is there.

        They are in split.csv; the first versions wrote only the option. A regular expression from another user's model
        file is never run.
        """
        fingerprint = self.collection.fingerprint
        record = record_of(self.classifier.source, fingerprint) if self.is_own else None
        path = Path(self.classifier.source).with_name(SPLIT)
        groups = read_groups(path) if record is not None and path.is_file() else None
        if groups is not None and len(groups) == len(self.collection):
            return replace(self.collection, groups=groups)
        group = (record or {}).get("options", {}).get("group")
        known = isinstance(group, str) and "groups" not in (record or {}).get("split", {})
        return grouped(self.collection, group) if known else self.collection

    def _own_pictures(self, table: SplitTable, split: str) -> tuple[np.ndarray, str]:
        indices = table.indices(split)
        if len(indices):
            return indices, "the same as in training"
        there = ", ".join(name for name, count in table.counts().items() if count)
        raise UsageError(
            f"{self.classifier.source}: was trained without {split} pictures of {self.collection.source}",
            f"a split of its training ({there}), or pictures that it has not seen",
            "its own metrics are in report.md and run.json; to measure it again, use other pictures",
        )

    def _without_seen(self, indices: np.ndarray, reason: str, split: str) -> tuple[np.ndarray, str]:
        if split == "train":
            return indices, reason
        seen = self._seen(indices)
        if seen is None:
            unknown = "; some may have been used in training: the run's split.csv is not in the model's folder"
            return indices, f"{reason}{unknown if self.classifier.record.training else ''}"
        unseen = indices[~seen]
        if len(unseen) == len(indices):
            return indices, f"{reason}; none of them is identical to a training picture"
        if not len(unseen):
            raise DataError(
                f"{self.collection.source}: all of its {len(indices):,} pictures were used to train the model",
                "pictures that the model has not seen",
                "use other data, or --split all to evaluate on them anyway",
            )
        return unseen, f"{reason}; {len(indices) - len(unseen):,} more are left out because training saw them"

    def _seen(self, indices: np.ndarray) -> np.ndarray | None:
        """Which pictures training saw, bool [n], by the split.csv of its run; None if there is none."""
        classifier = self.classifier
        path = Path(classifier.source).with_name(SPLIT)
        own = record_of(classifier.source, classifier.record.fingerprint) is not None
        known_by = read_seen(path) if own and path.is_file() else None
        if known_by is None:
            return None
        seen, content = known_by
        return np.array([known in seen for known in self.collection.identities(indices, content)], bool)


def open_data(
    classifier: Classifier, data: Any, classes: Any, on_event: Listener, said: Said | None = None
) -> Provenance:
    """Open the pictures to evaluate on: `data`, or if None what the model was trained on.

    `said` is what the user says about the layout of the data, if anything. Otherwise the layout of the training is used
    for its own data, and for other data that needs it. Raises UsageError and DataError, also if the training data has
    changed since.
    """
    record, own = classifier.record, data is None
    data = own_data(classifier) if own else data
    same = _same_source(data, record.trained_on)
    classes = classes or (record.trained_names if same else None)
    if said or same:
        layout = said or recorded_layout(classifier)
        collection = open_collection(data, classes, on_event, **layout)
    else:
        collection = _open_other(classifier, data, classes, on_event)
    provenance = Provenance(classifier, collection)
    if own and not provenance.is_own:
        raise DataError(
            f"{collection.source}: has changed since the model was trained",
            "the same pictures, so that its test split can be found again",
            "name the data to evaluate on",
        )
    for note in () if own else collection.notes:  # training has reported those of its own data
        on_event(Note(f"note: {note}", warning=True))
    return Provenance(classifier, provenance.grouped())


def recorded_layout(classifier: Classifier) -> Said:
    """Return what the user said about the layout of the training data, if the run folder is there.

    A model file from elsewhere decides nothing: only the run.json of its training is read.
    """
    record = record_of(classifier.source, classifier.record.fingerprint)
    options = (record or {}).get("options", {})
    values = {name: options.get(name) for name in Said.__annotations__}
    return cast("Said", {name: value for name, value in values.items() if isinstance(value, str)})


def _open_other(classifier: Classifier, data: Any, classes: Any, on_event: Listener) -> Collection:
    """Open other data as it is or, if that gives no class of the model, with the layout of the training."""
    layout = recorded_layout(classifier) if isinstance(data, (str, os.PathLike)) else Said()
    if not layout:
        return open_collection(data, classes, on_event)
    as_it_is, problem = None, None
    try:
        as_it_is = open_collection(data, classes, on_event)
        if set(as_it_is.class_names).intersection(classifier.class_names):
            return as_it_is
    except DataError as error:
        problem = error
    try:
        collection = open_collection(data, classes, on_event, **layout)
    except (DataError, UsageError) as error:
        if as_it_is is not None:
            return as_it_is
        raise problem or error from None
    words = Layout(**layout).as_options()
    on_event(Note(f"note: {collection.source} is read with the layout of the training: {words}", warning=True))
    return collection


def own_data(classifier: Classifier, fetched: bool = True) -> str:
    """Where the data is that a model was trained on.

    A model file from elsewhere must not decide which folder of this machine is read. So the run folder has to be there,
    or the data has to be a known data set, already downloaded unless it may be `fetched`. Raises UsageError.
    """
    source = classifier.record.trained_on
    if source is None:
        raise UsageError("no data given", "the data to evaluate on", NAME_DATA)
    known = source in datasets.names() and (fetched or datasets.is_here(source))
    if not known and not Path(classifier.source).with_name(RECORD).is_file():
        raise UsageError(
            f"no data given: {classifier.source} has no run folder next to it, and a path stored in a model file is "
            "not trusted",
            f"the data to evaluate on, for instance {source!r}, which the file names as its training data",
            NAME_DATA,
        )
    if not known and not os.path.exists(source):  # noqa: PTH110  # Path.exists raises without permission
        raise UsageError(
            f"no data given: the model was trained on {source!r}, which does not exist here",
            "the data to evaluate on",
            NAME_DATA,
        )
    return source


def _same_source(data: Any, source: str | None) -> bool:
    return isinstance(data, (str, Path)) and source in (str(data), str(Path(data).expanduser().resolve()))

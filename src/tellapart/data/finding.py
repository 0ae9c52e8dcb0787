"""The input of a check, and its findings: pictures by their positions, and what to do about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.inspect import Inspection
from tellapart.data.label_errors import LabelErrors, find_label_errors
from tellapart.text import counted, cut

MANY, LAYOUT = 10, 0.25
"""Near-duplicates are pictures with one layout, not copies, if a group has more than MANY, and such groups have more
than this share of a class."""

NAMED = 6
"""Pictures of a finding that its text names."""

TAG = 11
"""Columns of what distinguishes the pictures of a group, such as a class, in a short form of a finding."""

SHOWN = 24
"""Findings of a check that are shown with pictures, by default."""


@dataclass(frozen=True, eq=False)
class Checked:
    """A collection whose pictures were inspected.

    `predictions`, float [n, classes] or None, are probabilities from models that were not trained on the picture; NaN
    for pictures that cannot be read. `by_features` is whether these models used features of a pretrained backbone.
    """

    inspection: Inspection
    predictions: np.ndarray | None = None
    by_features: bool = False

    @property
    def collection(self) -> Collection:
        """The collection."""
        return self.inspection.collection

    @cached_property
    def label_errors(self) -> tuple[np.ndarray, LabelErrors]:
        """The pictures with predictions, int64 [n], and the likely wrong labels among these n; needs predictions."""
        assert self.predictions is not None
        predicted = np.flatnonzero(~np.isnan(self.predictions).any(axis=1))
        labels, probabilities = self.collection.labels[predicted], self.predictions[predicted]
        return predicted, find_label_errors(labels, probabilities, all_contradicted=self.by_features)

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

    def finding(self, i: int, detail: str, more: str = "", **values: Any) -> Finding:
        """Return a finding about picture i. `more` is only in its complete words; `values` are its other fields."""
        return Finding(f"{self.collection.keys[i]}: {detail}{more}", (i,), detail=detail, **values)

    def group_finding(
        self,
        group: Sequence[int],
        detail: str,
        more: str = "",
        tag: Callable[[int], str] | None = None,
        drop: Sequence[int] = (),
    ) -> Finding:
        """Return a finding about a group of pictures. `more` is only in its complete words.

        `tag` is what distinguishes the pictures, such as class or split: the first picture of each tag comes first.
        """
        tags = {i: tag(i) if tag else "" for i in group}
        order = first_of_each(group, tag) if tag else list(group)
        names = [self.collection.keys[i] + (f" ({tags[i]})" if tag else "") for i in order[:NAMED]]
        rest = f" and {len(order) - NAMED:,} more" if len(order) > NAMED else ""
        words = f"{detail}{more}: {', '.join(names)}{rest}"
        shown = tuple(tags[i] for i in order) if tag else ()
        return Finding(words, tuple(order), drop=tuple(drop), detail=detail, tags=shown)

    @cached_property
    def first_copies(self) -> dict[int, int]:
        """The first of its exact duplicates for each picture that has any."""
        return {i: group[0] for group in self.inspection.duplicates.of("exact") for i in group}


def first_of_each(group: Sequence[int], tag: Callable[[int], str]) -> list[int]:
    """Return a group of pictures with the first picture of each tag, such as its class, before the others."""
    firsts = {tag(i): i for i in reversed(group)}
    return sorted(group, key=lambda i: firsts[tag(i)] != i)  # stable


@dataclass(frozen=True)
class Finding:
    """A finding about one picture, several pictures, or (without pictures) the collection.

    `words` say it completely. `detail` is the same without the names of the pictures, for places that show the pictures
    or shorten the names; `tags` are what distinguishes the pictures of a group, such as their classes. A clean manifest
    leaves out the pictures `drop` and changes the class of those in `relabel`. `facts` are the values in `words`, by
    name, for JSON.
    """

    words: str
    pictures: tuple[int, ...] = ()
    drop: tuple[int, ...] = ()
    relabel: Mapping[int, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    detail: str = ""
    tags: tuple[str, ...] = ()

    def brief(self, keys: Sequence[str], width: int) -> str:
        """Return the finding with the names of at most two pictures, each cut to `width` columns."""
        if not self.pictures:
            return self.words
        names, detail = [cut(keys[i], width) for i in self.pictures[:2]], self.detail or self.words
        if len(self.pictures) == 1:
            return f"{names[0]}: {detail}"
        tags = [cut(tag, TAG) for tag in self.tags[:2]]
        tagged = [f"{name} ({tag})" for name, tag in zip(names, tags, strict=True)] if tags else names
        left = len(self.pictures) - len(names)
        return f"{detail}: {', '.join(tagged)}" + (f" and {left:,} more" if left else "")

    def to_dict(self, collection: Collection) -> dict[str, Any]:
        """Return the finding as JSON values."""
        content: dict[str, Any] = {"words": self.words, "files": [collection.keys[i] for i in self.pictures]}
        if self.drop:
            content["drop"] = [collection.keys[i] for i in self.drop]
        if self.relabel:
            content["relabel"] = {collection.keys[i]: name for i, name in self.relabel.items()}
        return content | dict(self.facts)


@dataclass(frozen=True)
class Remark:
    """What applies to all findings of a check: in words, and as `facts` by name, for JSON.

    `says_details` is whether the words contain the detail of every finding, which then need not be repeated.
    """

    words: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    says_details: bool = False


@dataclass(frozen=True, eq=False)
class CheckResult:
    """The findings of one check, with its name and title, and what it finds, in a sentence.

    `remark` applies to all findings, or explains that there are none. The page shows the first `shown` findings with
    pictures.
    """

    name: str
    title: str
    description: str
    findings: Sequence[Finding]
    remark: Remark | None = None
    shown: int = SHOWN

    @property
    def title_inside(self) -> str:
        """The title inside a sentence; a first word in capitals, such as EXIF, stays as it is."""
        return self.title if self.title[:2].isupper() else self.title[0].lower() + self.title[1:]


@dataclass(frozen=True)
class CleanList:
    """What a clean manifest changes: it leaves out pictures and gives others, `moved`, another class.

    `kinds` has a row for each check that causes changes: its title, and the pictures left out and moved, each counted
    once. `command` is the shell command that writes the manifest; empty if there is none, for the reason `problem`.
    `page_command` is the same one without the folders of this machine, for pages that are passed on.
    """

    left_out: frozenset[int] = frozenset()
    moved: Mapping[int, str] = field(default_factory=dict)
    kinds: Sequence[tuple[str, int, int]] = ()
    command: str = ""
    problem: str = ""
    page_command: str = ""

    @classmethod
    def of(cls, results: Sequence[CheckResult], **values: str) -> CleanList:
        """Return what the findings of some checks cause."""
        left_out: set[int] = set()
        moved: dict[int, str] = {}
        kinds = []
        for result in results:
            drop = {i for finding in result.findings for i in finding.drop} - left_out
            relabel = {i: name for finding in result.findings for i, name in finding.relabel.items()}
            left_out, moved = left_out | drop, moved | relabel
            kinds.append((result.title, drop, relabel))
        moved = {i: name for i, name in moved.items() if i not in left_out}
        rows = [(title, len(drop), len(moved.keys() & relabel.keys())) for title, drop, relabel in kinds]
        return cls(frozenset(left_out), moved, [row for row in rows if row[1] or row[2]], **values)

    def words(self, pictures: int) -> str:
        """Return what it does to a collection of `pictures`, in words: `leaves out 3 of 751 pictures`."""
        moves = f" and gives {counted(len(self.moved), 'picture')} another class" if self.moved else ""
        return f"leaves out {len(self.left_out):,} of {counted(pictures, 'picture')}{moves}"

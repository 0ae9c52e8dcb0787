"""What was found out about folders of pictures: folders of class folders, places of pictures, lines for the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from tellapart.data.formats._folder_evidence import Folders, join
from tellapart.data.tree import SAMPLE_FILES
from tellapart.errors import DataError
from tellapart.text import counted, quoted


@dataclass(frozen=True)
class Root:
    """A folder whose folders are classes, or will be: its path, split, and the portion that it is in, if any.

    `kids` are the names of its class folders, if it has others too, `split_inside` whether these contain splits.
    """

    path: str
    split: str | None = None
    portion: str = ""
    kids: tuple[str, ...] | None = None
    split_inside: bool = False


@dataclass(frozen=True)
class Place:
    """What the pictures in a folder are: their class, their split, and the portion they are in."""

    label: str
    split: str | None
    portion: str


@dataclass(frozen=True)
class Source:
    """The tree that is read: its path as text, and the sizes and bytes of its pictures, by their position."""

    path: str
    is_archive: bool
    size: Callable[[int], int]
    content: Callable[[int], bytes]

    def command(self, folder: str) -> str:
        """Return the command that trains on a folder of the tree."""
        return f"tellapart train {quoted(join(self.path, folder))}"

    def same(self, pairs: Mapping[int, int]) -> set[int]:
        """Return the pictures that equal their mate: by size, and by content if that differs in a sample of them."""
        pairs = {i: other for i, other in pairs.items() if self.size(i) == self.size(other)}
        step = len(pairs) // SAMPLE_FILES + 1
        if all(self._equal(i, pairs[i]) for i in list(pairs)[::step]):
            return set(pairs)
        return {i for i, other in pairs.items() if self._equal(i, other)}

    def _equal(self, one: int, other: int) -> bool:
        try:
            return self.content(one) == self.content(other)
        except DataError:  # reading the pictures reports it
            return False


@dataclass
class Reading:
    """The result: the place of each folder that has one, lines for the user, and pictures that are left out.

    `base` is the folder that contains everything; `portion` the word for portions that were merged.
    """

    folders: Folders
    source: Source
    base: str = ""
    portion: str = ""
    places: dict[str, Place] = field(default_factory=dict)
    skipped: set[str] = field(default_factory=set)
    copies: set[int] = field(default_factory=set)
    split_folders: dict[str, None] = field(default_factory=dict)
    merged: dict[str, set[str]] = field(default_factory=dict)
    masks: Counter[str] = field(default_factory=Counter)
    inferred: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def skip(self, path: str, why: str, odd: bool = False) -> None:
        """Leave a folder out and report it: as a note if that is `odd`."""
        pictures = counted(self.folders.count(path), "picture")
        self.skipped.update(self.folders.within(path))
        (self.notes if odd else self.inferred).append(f"skipped: {path} ({pictures} {why})")

    def copies_in(self, of: str, copy: str) -> set[int]:
        """Return the pictures in the folder `copy` that are in `of` too, with the same path and content."""
        names, start = self.folders.names, len(copy) + 1
        pairs = {i: self._position.get(join(of, names[i][start:])) for i in self.folders.all_files(copy)}
        return self.source.same({i: other for i, other in pairs.items() if other is not None})

    @cached_property
    def _position(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.folders.names)}

    def structured(self, path: str, kids: Sequence[str]) -> list[str]:
        """Return the names of the folders, of those in a folder, that contain folders with pictures."""
        return [kid for kid in kids if self.folders.structure(join(path, kid))]

"""What was found out about folders of pictures: folders of class folders, places of pictures, lines for the user."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tellapart.data.formats._folder_evidence import Folders, join
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
    """The tree that is read: its path as text, and whether two of its files have the same size."""

    path: str
    is_archive: bool
    same_size: Callable[[int, int], bool]

    def command(self, folder: str) -> str:
        """Return the command that trains on a folder of the tree."""
        return f"tellapart train {quoted(join(self.path, folder))}"


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
        """Return the pictures in the folder `copy` that are in `of` too, with the same path and size."""
        names, start = self.folders.names, len(copy) + 1
        of_name = {names[i]: i for i in self.folders.all_files(of)}
        return {
            i for i in self.folders.all_files(copy)
            if (other := of_name.get(join(of, names[i][start:]))) is not None and self.source.same_size(i, other)
        }  # fmt: skip

    def structured(self, path: str, kids: Sequence[str]) -> list[str]:
        """Return the names of the folders, of those in a folder, that contain folders with pictures."""
        return [kid for kid in kids if self.folders.structure(join(path, kid))]

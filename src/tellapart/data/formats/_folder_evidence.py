"""The folders of a tree that contain pictures, as evidence of what they are: levels, names in common, counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tellapart.data.formats._folder_words import wraps

DEPTH = 24
"""Folders deeper than this count as the one at this depth; an archive may have any number of levels."""


class Folders:
    """Folders with pictures in them or deeper, by their path; "" is the root. A path has no slash at its end."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = names
        self._files: dict[str, list[int]] = {}
        for i, name in enumerate(names):
            self._files.setdefault(home(name), []).append(i)
        self._counts: dict[str, int] = {}
        self._children: dict[str, set[str]] = {}
        for folder, files in self._files.items():
            self._add(folder, len(files))
        self._inner: dict[str, str] = {}

    def _add(self, folder: str, count: int) -> None:
        self._counts[folder] = self._counts.get(folder, 0) + count
        while folder:
            parent, _, name = folder.rpartition("/")
            self._children.setdefault(parent, set()).add(name)
            self._counts[parent] = self._counts.get(parent, 0) + count
            folder = parent

    def children(self, path: str) -> list[str]:
        """Return the names of the folders directly in a folder, in order."""
        return sorted(self._children.get(path, ()))

    def files(self, path: str) -> list[int]:
        """Return the pictures directly in a folder, by their position in `names`."""
        return self._files.get(path, [])

    def count(self, path: str) -> int:
        """Count the pictures in a folder and deeper."""
        return self._counts.get(path, 0)

    def all_files(self, path: str) -> Iterator[int]:
        """Yield the pictures in a folder and deeper."""
        for folder in self.within(path):
            yield from self.files(folder)

    def within(self, path: str) -> Iterator[str]:
        """Yield a folder and all folders in it."""
        waiting = [path]
        while waiting:
            folder = waiting.pop()
            yield folder
            waiting += [join(folder, name) for name in self.children(folder)]

    def inner(self, path: str) -> str:
        """Return the folder at or in `path` where there is more than one thing: `a/a` for `a/a/cat` and `a/a/dog`."""
        if path not in self._inner:
            self._inner[path] = self._descend(path)
        return self._inner[path]

    def structure(self, path: str) -> frozenset[str]:
        """Return the names of the folders in `inner(path)`: those of classes, if the folder is not a class itself."""
        return frozenset(self._children.get(self.inner(path), ()))

    def _descend(self, path: str) -> str:
        while len(names := self.children(path)) == 1:
            child = join(path, names[0])
            deep = bool(self._children.get(child))
            if 2 * self.count(child) <= self.count(path) or not (deep or wraps(names[0], path.rpartition("/")[2])):
                return path
            path = child
        return path


def join(folder: str, name: str) -> str:
    """Return the path of a folder in another one."""
    return f"{folder}/{name}" if folder else name


def home(name: str) -> str:
    """Return the folder that a picture is in, at most DEPTH folders deep."""
    folder = name.rpartition("/")[0]
    return folder if folder.count("/") < DEPTH else "/".join(folder.split("/", DEPTH)[:DEPTH])


def in_common(structures: Sequence[frozenset[str]]) -> list[str]:
    """Return the names that occur in most of several folders; none if there are fewer than two.

    Names that only a few share, such as species of the same name in two genera, do not count.
    """
    counts = Counter(name for names in structures for name in names)
    often = {name for name, count in counts.items() if count >= 2 and 2 * count >= len(structures)}
    alike = sum(len(names & often) >= 2 and 2 * len(names & often) >= len(names) for names in structures)
    return sorted(often) if len(often) >= 2 and alike >= 2 and 4 * alike >= 3 * len(structures) else []

"""Files under names, read-only - a folder, a zip, a tar or one file - so that formats need not care which."""

from __future__ import annotations

import json
import os
import stat
import sys
import zlib
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path, PurePosixPath

from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture, starts_as_picture

MAX_RATIO = 200
"""What claims to unpack to more than this many times its own size is refused as a bomb."""

BESIDE = (
    ".txt",
    ".json",
    ".csv",
    ".tsv",
    ".xml",
    ".yaml",
    ".yml",
    ".md",
    ".html",
    ".db",
    ".ini",
    ".py",
    ".npy",
    ".log",
)
"""What lies beside pictures and is none, so that nobody has to be told."""

HEAD_BYTES = 2**16
"""What is read of a file to know it by, where its times do not tell."""

SAMPLE_FILES = 64
"""So many files without extension are opened to know whether such are pictures."""

RUN_BYTES = 2**26
"""A larger file of a run's name is none."""


class Tree(ABC):
    """Files by their name relative to the root, with forward slashes; hidden files, `__MACOSX` and the folders of
    tellapart's own runs are left out.
    """

    def __init__(self, path: Path, names: list[str], single: bool = False) -> None:
        self.path, self.single = path, single
        self.names = tuple(sorted(names)) if single else self._plain(names)

    @abstractmethod
    def read(self, name: str) -> bytes:
        """All bytes of a file. Raises DataError where it is missing or damaged."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Bytes of a file, unpacked."""

    @abstractmethod
    def stamp(self, name: str) -> bytes:
        """Bytes that change whenever a file is written; the same content elsewhere may have another stamp."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether `read` would find it."""

    def _plain(self, names: list[str]) -> tuple[str, ...]:
        """The names, sorted, without those that no data stands under."""
        shown = sorted(name for name in names if not _hidden(name))
        runs = tuple(
            name.removesuffix("run.json") for name in shown if name.endswith("/run.json") and self._is_run(name)
        )
        return tuple(name for name in shown if not name.startswith(runs)) if runs else tuple(shown)

    def _is_run(self, name: str) -> bool:
        """Whether a run.json is tellapart's, see training/run.py, and not somebody's of that name."""
        try:
            found = json.loads(self.read(name)) if self.size(name) <= RUN_BYTES else None
        except (DataError, OSError, ValueError, RecursionError):
            return False
        return isinstance(found, dict) and {"options", "status"} <= set(found)

    def start(self, name: str, count: int) -> bytes:
        """The first bytes of a file."""
        return self.read(name)[:count]

    def lines(self, name: str) -> list[str]:
        """The lines of a text file. Raises DataError where it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(f"{self.describe(name)}: is not text", "UTF-8 text", "save it anew") from error

    def describe(self, name: str) -> str:
        """The file as an error names it."""
        return f"{self.path}: {name}"

    def on_disk(self, name: str) -> str | None:
        """The path of a file that lies unpacked on this machine, for libraries that read the part they need."""
        return None

    @cached_property
    def picture_folders(self) -> frozenset[str]:
        """The folders with files that have a picture's extension; "" is the root.

        If no file has one: those in which files without extension start like pictures, among the first of them.
        """
        bare = [name for name in self.names if "." not in name.rpartition("/")[2]]
        pictures = [name for name in set(self.names).difference(bare) if looks_like_picture(name)]
        if not pictures:
            pictures = [name for name in bare[:: len(bare) // SAMPLE_FILES + 1] if _is_picture(self, name)]
        return frozenset(name.rpartition("/")[0] for name in pictures)

    def siblings(self, name: str) -> tuple[str, ...]:
        """The names in the same folder, without what lies deeper."""
        folder = PurePosixPath(name).parent
        return tuple(other for other in self.names if PurePosixPath(other).parent == folder)


class FolderTree(Tree):
    """A folder, or (`only`) one file of it; names may then still reach its neighbours, as a manifest's must."""

    def __init__(self, root: Path, only: str | None = None) -> None:
        self.root = root
        self._folder = "" if root == Path() else os.fspath(root)
        names = [only] if only is not None else _walk(root)
        super().__init__(root if only is None else root / only, names, single=only is not None)

    def read(self, name: str) -> bytes:
        """See Tree."""
        return self.start(name, -1)

    def start(self, name: str, count: int) -> bytes:
        """See Tree; all bytes where `count` is -1."""
        path = self._at(name)
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
            if not stat.S_ISREG(os.fstat(handle).st_mode):  # a FIFO or a device that a table names would never end
                os.close(handle)
                raise unreadable(path, "not a file")
            with os.fdopen(handle, "rb", buffering=0) as file:
                return file.read(count)
        except FileNotFoundError as error:
            raise unreadable(path, "does not exist") from error
        except IsADirectoryError as error:
            raise unreadable(path, "not a file") from error
        except OSError as error:
            raise unreadable(path, f"cannot be read ({error.strerror})", temporary=True) from error

    def size(self, name: str) -> int:
        """See Tree."""
        return os.stat(self._at(name)).st_size  # noqa: PTH116  # as in `_at`

    def stamp(self, name: str) -> bytes:
        """See Tree."""
        return stamp_of(self._at(name))

    def exists(self, name: str) -> bool:
        """See Tree."""
        return os.path.isfile(self.root / name)  # noqa: PTH113  # Path.is_file raises for names that are too long

    def describe(self, name: str) -> str:
        """See Tree."""
        return self._at(name)

    def on_disk(self, name: str) -> str | None:
        """See Tree."""
        return os.path.abspath(self._at(name))  # noqa: PTH100  # as in `_at`

    def _at(self, name: str) -> str:
        """Where a file lies; names in tables may be absolute."""
        return os.path.join(self._folder, name)  # noqa: PTH118  # a Path for each of very many takes its time


def pictures_of(tree: Tree) -> list[str]:
    """The names of the picture files.

    One without extension must start as a picture does, or be such that nobody may look at it: reading then says so.
    """
    return [name for name in tree.names if _is_picture(tree, name)]


def other_files(tree: Tree) -> list[str]:
    """The files below the root's own whose extension is none of a picture's, nor one that such folders often hold."""
    return [
        name for name in tree.names
        if "/" in name and not looks_like_picture(name) and not name.lower().endswith(BESIDE)
    ]  # fmt: skip


def with_slashes(names: list[str]) -> list[str]:
    """Names of files with slashes between their folders, where all were written with the backslashes of Windows."""
    return names if any("/" in name for name in names) else [name.replace("\\", "/") for name in names]


def _is_picture(tree: Tree, name: str) -> bool:
    if not looks_like_picture(name):
        return False
    try:
        return "." in name.rsplit("/", 1)[-1] or starts_as_picture(tree.start(name, 16))
    except DataError:
        return True


def stamp_of(path: str | Path) -> bytes:
    """Size and times of a file: its change time moves even where a program sets the other one back.

    Windows tells no such time, but when the file was made: there its first bytes stand for it, which hold how a picture
    is turned.
    """
    status = os.stat(path)  # noqa: PTH116  # which makes no Path
    words = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}".encode()
    if sys.platform != "win32":
        return words
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        return words + f" {zlib.crc32(file.read(HEAD_BYTES))}".encode()


def _walk(root: Path) -> list[str]:
    """Every plain file below `root` that is not hidden. Links to folders are followed, but not back into one above.

    What is called a picture and is no file - a FIFO, a link to nowhere - is among them, so that reading it says so.
    """
    names: list[str] = []
    waiting: list[tuple[Path, str, tuple[tuple[int, int], ...]]] = [(root, "", ())]
    while waiting:
        folder, prefix, above = waiting.pop()
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in above:
                continue
            above = (*above, (status.st_dev, status.st_ino))
            entries = [entry for entry in os.scandir(folder) if not _hidden(entry.name)]
        except OSError as error:
            raise DataError(
                f"{folder}: cannot be read ({error.strerror})", "a readable folder", "check its permissions"
            ) from error
        for entry in entries:
            try:
                folder_, file = entry.is_dir(), entry.is_file()
            except OSError:  # a link that leads back to itself
                folder_ = file = False
            if folder_:
                waiting.append((Path(entry.path), f"{prefix}{entry.name}/", above))
            elif file or ("." in entry.name and looks_like_picture(entry.name)):
                names.append(prefix + entry.name)
    return names


def _hidden(name: str) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in name.split("/"))


def unreadable(path: str | Path, reason: str, temporary: bool = False) -> DataError:
    """Return the error for a file that cannot be read."""
    return DataError(
        f"{path}: {reason}", "a readable file", "check path and permissions", reason=reason, temporary=temporary
    )

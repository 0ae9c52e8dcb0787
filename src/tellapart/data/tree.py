"""Read-only access to named files, the same for a folder, a zip, a tar or one file."""

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
from tellapart.files import OUTPUT_FOLDER
from tellapart.images.read import looks_like_picture, starts_as_picture

MAX_RATIO = 200
"""Archives that unpack to more than this multiple of their size are refused as decompression bombs."""

USUAL_EXTRAS = (
    ".txt",
    ".json",
    ".csv",
    ".tsv",
    ".jsonl",
    ".ndjson",
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
"""Extensions of other files that are common in picture folders, and need no note."""

HEAD_BYTES = 2**16
"""Bytes that are hashed at the start of a file on Windows, where file times do not show every change."""

NEVER_READ = frozenset(
    (OUTPUT_FOLDER, "__MACOSX", "__pycache__", "@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information")
)
"""Folders that operating systems, network drives and programs make, with copies or thumbnails of pictures in them."""

SAMPLE_FILES = 64
"""Files that are opened, at most, to decide whether files without extension are pictures, or listed files exist."""

RUN_BYTES = 2**26
"""A run.json larger than this was not written by tellapart."""


class Tree(ABC):
    """Files by their name relative to the root, with forward slashes.

    Hidden files, the folders NEVER_READ and the folders of tellapart's runs are left out.
    """

    def __init__(self, path: Path, names: list[str], single: bool = False) -> None:
        self.path, self.single = path, single
        self.names = tuple(sorted(names)) if single else self._visible(names)

    @abstractmethod
    def read(self, name: str) -> bytes:
        """Return the bytes of a file. Raises DataError if it is missing or damaged."""

    @abstractmethod
    def size(self, name: str) -> int:
        """Return the unpacked size of a file in bytes."""

    @abstractmethod
    def stamp(self, name: str) -> bytes:
        """Return bytes that change whenever a file is written; a copy of the file may have another stamp."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Return whether `read` would find the file."""

    def _visible(self, names: list[str]) -> tuple[str, ...]:
        """Return the names, sorted, without hidden files and the files of tellapart's runs."""
        shown = sorted(name for name in names if not hidden(name))
        runs = tuple(
            name.removesuffix("run.json") for name in shown if name.endswith("/run.json") and self._is_run(name)
        )
        return tuple(name for name in shown if not name.startswith(runs)) if runs else tuple(shown)

    def _is_run(self, name: str) -> bool:
        """Return whether a run.json was written by tellapart's training, not by another program."""
        try:
            content = json.loads(self.read(name)) if self.size(name) <= RUN_BYTES else None
        except (DataError, OSError, ValueError, RecursionError):
            return False
        return isinstance(content, dict) and {"options", "status"} <= set(content)

    def start(self, name: str, count: int) -> bytes:
        """Return the first bytes of a file."""
        return self.read(name)[:count]

    def lines(self, name: str) -> list[str]:
        """Return the lines of a text file. Raises DataError if it is not UTF-8."""
        try:
            return self.read(name).decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.describe(name)}: is not UTF-8 text", "UTF-8 text", "save it with the encoding UTF-8"
            ) from error

    def describe(self, name: str) -> str:
        """Return the name of a file for errors."""
        return f"{self.path}: {name}"

    def on_disk(self, name: str) -> str | None:
        """Return the path of a file on this machine, or None in archives; for libraries that read only some of it."""
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
        """Return the names in the same folder, without deeper ones."""
        folder = PurePosixPath(name).parent
        return tuple(other for other in self.names if PurePosixPath(other).parent == folder)


class FolderTree(Tree):
    """A folder, or one file of it (`only`); other files of the folder can still be read, as a manifest needs."""

    def __init__(self, root: Path, only: str | None = None) -> None:
        self.root = root
        self._folder = "" if root == Path() else os.fspath(root)
        names = [only] if only is not None else _walk(root)
        super().__init__(root if only is None else root / only, names, single=only is not None)

    def read(self, name: str) -> bytes:
        """See Tree."""
        return self.start(name, -1)

    def start(self, name: str, count: int) -> bytes:
        """See Tree; -1 returns all bytes."""
        path = self._at(name)
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
            if not stat.S_ISREG(os.fstat(handle).st_mode):  # reading a FIFO or a device would never end
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
        """Return the path of a file; names in tables may be absolute."""
        return os.path.join(self._folder, name)  # noqa: PTH118  # a Path for each file would be slow


def pictures_of(tree: Tree) -> list[str]:
    """Return the names of the picture files.

    A file without extension must start like a picture; if it cannot be read, it is included, so that it is reported.
    """
    return [name for name in tree.names if _is_picture(tree, name)]


def other_files(tree: Tree) -> list[str]:
    """Return the files in subfolders that have neither a picture's extension nor one that is common in such folders."""
    return [
        name for name in tree.names
        if "/" in name and not looks_like_picture(name) and not name.lower().endswith(USUAL_EXTRAS)
    ]  # fmt: skip


def with_slashes(names: list[str]) -> list[str]:
    """Return file names with slashes, if all of them have the backslashes of Windows or no folders."""
    return names if any("/" in name for name in names) else [name.replace("\\", "/") for name in names]


def _is_picture(tree: Tree, name: str) -> bool:
    if not looks_like_picture(name):
        return False
    try:
        return "." in name.rsplit("/", 1)[-1] or starts_as_picture(tree.start(name, 16))
    except DataError:
        return True


def stamp_of(path: str | Path) -> bytes:
    """Return size and times of a file; the change time moves even if a program resets the modification time.

    Windows has no change time: there the first bytes are hashed too, which contain the orientation of a picture.
    """
    status = os.stat(path)  # noqa: PTH116  # faster than a Path
    words = f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}".encode()
    if sys.platform != "win32":
        return words
    with open(path, "rb") as file:  # noqa: PTH123  # as above
        return words + f" {zlib.crc32(file.read(HEAD_BYTES))}".encode()


def _walk(root: Path) -> list[str]:
    """Return every regular file below `root` that is not hidden. Links to folders are followed, but not in a circle.

    Anything else with a picture's extension, such as a FIFO or a broken link, is included, so that it is reported.
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
            entries = [entry for entry in os.scandir(folder) if not hidden(entry.name)]
        except OSError as error:
            raise DataError(
                f"{folder}: cannot be read ({error.strerror})", "a readable folder", "check its permissions"
            ) from error
        for entry in entries:
            try:
                is_folder, is_file = entry.is_dir(), entry.is_file()
            except OSError:  # a link to itself
                is_folder = is_file = False
            if is_folder:
                waiting.append((Path(entry.path), f"{prefix}{entry.name}/", above))
            elif is_file or ("." in entry.name and looks_like_picture(entry.name)):
                names.append(prefix + entry.name)
    return names


def hidden(name: str) -> bool:
    """Return whether a file or folder, or a folder that it is in, is never read."""
    return any(part.startswith(".") or part in NEVER_READ for part in name.split("/"))


def unreadable(path: str | Path, reason: str, temporary: bool = False) -> DataError:
    """Return the error for a file that cannot be read."""
    return DataError(
        f"{path}: {reason}", "a readable file", "check path and permissions", reason=reason, temporary=temporary
    )

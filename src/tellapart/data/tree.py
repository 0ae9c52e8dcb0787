"""Files under names, read-only - a folder, a zip, a tar or one file - so that formats need not care which."""

from __future__ import annotations

import os
import stat
import tarfile
import tempfile
import threading
import weakref
import zipfile
from abc import ABC, abstractmethod
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture, starts_as_picture

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_MEMBERS = 2_000_000
MAX_UNPACKED = 64 * 2**30
MAX_RATIO = 200
"""An archive that claims to unpack to more than this many times its own size is refused as a bomb."""


class Tree(ABC):
    """Files by their name relative to the root, with forward slashes; hidden files and `__MACOSX` left out."""

    def __init__(self, path: Path, names: list[str], single: bool = False) -> None:
        self.path, self.single = path, single
        self.names = tuple(sorted(name for name in names if single or not _hidden(name)))

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

    def siblings(self, name: str) -> tuple[str, ...]:
        """The names in the same folder, without what lies deeper."""
        folder = PurePosixPath(name).parent
        return tuple(other for other in self.names if PurePosixPath(other).parent == folder)


class FolderTree(Tree):
    """A folder, or (`only`) one file of it; names may then still reach its neighbours, as a manifest's must."""

    def __init__(self, root: Path, only: str | None = None) -> None:
        names = [only] if only is not None else _walk(root)
        super().__init__(root if only is None else root / only, names, single=only is not None)
        self.root = root
        self._folder = "" if root == Path() else os.fspath(root)

    def read(self, name: str) -> bytes:
        """See Tree."""
        path = self._at(name)
        try:
            handle = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
            if not stat.S_ISREG(os.fstat(handle).st_mode):  # a FIFO or a device that a table names would never end
                os.close(handle)
                raise _unreadable(path, "not a file")
            with os.fdopen(handle, "rb", buffering=0) as file:
                return file.read()
        except FileNotFoundError as error:
            raise _unreadable(path, "does not exist") from error
        except IsADirectoryError as error:
            raise _unreadable(path, "not a file") from error
        except OSError as error:
            raise _unreadable(path, f"cannot be read ({error.strerror})") from error

    def start(self, name: str, count: int) -> bytes:
        """See Tree."""
        try:
            with (self.root / name).open("rb") as file:
                return file.read(count)
        except OSError as error:
            raise _unreadable(self.root / name, f"cannot be read ({error.strerror})") from error

    def size(self, name: str) -> int:
        """See Tree."""
        return os.stat(self._at(name)).st_size  # noqa: PTH116  # as in `_at`

    def stamp(self, name: str) -> bytes:
        """See Tree."""
        return stamp_of(self._at(name))

    def exists(self, name: str) -> bool:
        """See Tree."""
        return (self.root / name).is_file()

    def describe(self, name: str) -> str:
        """See Tree."""
        return self._at(name)

    def _at(self, name: str) -> str:
        """Where a file lies; names in tables may be absolute."""
        return os.path.join(self._folder, name)  # noqa: PTH118  # a Path for each of very many takes its time


class ZipTree(Tree):
    """The members of a zip, read where they lie; nothing is unpacked to disk."""

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise _damaged(path, error) from error
        self.process = os.getpid()
        if not all(info.filename for info in self.archive.infolist()):
            raise _damaged(path, ValueError("a member without a name"))
        members = [info for info in self.archive.infolist() if not info.is_dir()]
        _check_members(path, [info.filename for info in members], sum(info.file_size for info in members))
        if any(info.flag_bits & 1 for info in members):
            raise DataError(f"{path}: is encrypted", "an archive without a password", "unpack it and give the folder")
        self.members = {info.filename: info for info in members}
        super().__init__(path, list(self.members))

    def read(self, name: str) -> bytes:
        """See Tree."""
        try:
            return self._archive().read(name)
        except KeyError as error:
            raise DataError(f"{self.path}: holds no {name}", "a member of that name", "check the archive") from error
        except Exception as error:  # zlib, zipfile and struct errors of a damaged member
            raise _damaged(self.path, error, name) from error

    def start(self, name: str, count: int) -> bytes:
        """See Tree."""
        try:
            with self._archive().open(name) as member:
                return member.read(count)
        except Exception as error:
            raise _damaged(self.path, error, name) from error

    def size(self, name: str) -> int:
        """See Tree."""
        return self.members[name].file_size

    def stamp(self, name: str) -> bytes:
        """See Tree."""
        return f"{self.members[name].file_size} {self.members[name].CRC}".encode()

    def exists(self, name: str) -> bool:
        """See Tree."""
        return name in self.members

    def _archive(self) -> zipfile.ZipFile:
        """Opened anew in a forked process, which would share the place that is read next with its parent."""
        if self.process != os.getpid():
            self.archive, self.process = zipfile.ZipFile(self.path), os.getpid()
        return self.archive


class TarTree(Tree):
    """The plain files of a tar, also a compressed one; links and devices in it are passed over."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        try:
            self.stamped = stamp_of(path)
            self.file = _unpacked(path)
            weakref.finalize(self, self.file.close)
            with tarfile.open(fileobj=self.file, mode="r:") as archive:
                members = [info for info in archive if info.isreg() and not info.issparse()]
        except (tarfile.TarError, EOFError, OSError) as error:
            raise _damaged(path, error) from error
        except Exception as error:  # zlib.error and lzma.LZMAError have no common base
            raise error if isinstance(error, DataError) else _damaged(path, error) from error
        names = [info.name.removeprefix("./") for info in members]
        _check_members(path, names, 0)
        self.members = {name: (info.offset_data, info.size) for name, info in zip(names, members, strict=True)}
        super().__init__(path, names)

    def read(self, name: str) -> bytes:
        """See Tree."""
        return self.start(name, self._member(name)[1])

    def start(self, name: str, count: int) -> bytes:
        """See Tree."""
        offset, size = self._member(name)
        if hasattr(os, "pread"):  # which needs no lock, not even between processes
            data = os.pread(self.file.fileno(), min(count, size), offset)
        else:
            with self.lock:
                self.file.seek(offset)
                data = self.file.read(min(count, size))
        if len(data) < min(count, size):
            raise _damaged(self.path, EOFError("the file ends too early"), name)
        return data

    def size(self, name: str) -> int:
        """See Tree."""
        return self._member(name)[1]

    def stamp(self, name: str) -> bytes:
        """See Tree."""
        return self.stamped + str(self._member(name)).encode()

    def exists(self, name: str) -> bool:
        """See Tree."""
        return name in self.members

    def _member(self, name: str) -> tuple[int, int]:
        try:
            return self.members[name]
        except KeyError as error:
            raise DataError(f"{self.path}: holds no {name}", "a member of that name", "check the archive") from error


def pictures_of(tree: Tree) -> list[str]:
    """The names of the picture files; tellapart's own runs are passed over.

    One without extension must start as a picture does, or be such that nobody may look at it: reading then says so.
    """
    runs = tuple(name.removesuffix("run.json") for name in tree.names if name.endswith("/run.json"))
    return [name for name in tree.names if not (runs and name.startswith(runs)) and _is_picture(tree, name)]


def _is_picture(tree: Tree, name: str) -> bool:
    if not looks_like_picture(name):
        return False
    try:
        return "." in name.rsplit("/", 1)[-1] or starts_as_picture(tree.start(name, 16))
    except DataError:
        return True


def stamp_of(path: str | Path) -> bytes:
    """Size and times of a file: its change time moves even where a program sets the other one back."""
    status = os.stat(path)  # noqa: PTH116  # which makes no Path
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}".encode()


def plant(path: Path) -> Tree:
    """The tree of a path: a folder's, an archive's (known by its content), or that of the one file.

    Raises DataError for a damaged or hostile archive, an empty file or folder, or what is neither file nor folder.
    """
    if path.is_dir():
        tree: Tree = FolderTree(path)
        if not tree.names:
            raise DataError(
                f"{path}: the folder is empty", "pictures in class folders, or a data file", "check the path"
            )
        alone = path / tree.names[0] if len(tree.names) == 1 else None
        return plant(alone) if alone and alone.name.lower().endswith(ARCHIVES) else tree
    if not path.is_file():
        raise DataError(f"{path}: is neither a file nor a folder", "a file or a folder", "check the path")
    try:
        with path.open("rb") as file:
            magic = file.read(512)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read ({error.strerror})", "a readable file", "check its permissions"
        ) from error
    if not magic:
        raise DataError(f"{path}: the file is empty", "a data file or an archive", "check that it was copied whole")
    if magic[:4] == b"PK\x03\x04" and not _is_npz(path):
        return ZipTree(path)
    if magic[257:262] == b"ustar" or (_is_compressed(magic) and _holds_tar(path)):
        return TarTree(path)
    return FolderTree(path.parent, only=path.name)


def _walk(root: Path) -> list[str]:
    """Every plain file below `root`; links to folders are followed, but not back into a folder that they lie in.

    What is called a picture and is no file - a FIFO, a link to nowhere - is among them, so that reading it says so.
    """
    names: list[str] = []
    waiting: list[tuple[Path, str, tuple[tuple[int, int], ...]]] = [(root, "", ())]
    while waiting:
        folder, prefix, above = waiting.pop()
        status = folder.stat()
        if (status.st_dev, status.st_ino) in above:
            continue
        above = (*above, (status.st_dev, status.st_ino))
        try:
            entries = list(os.scandir(folder))
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


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return path.suffix.lower() == ".npz"  # damaged; its own reader says so in its own words
    return bool(names) and all(name.endswith(".npy") for name in names)


_COMPRESSIONS = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))


def _is_compressed(magic: bytes) -> bool:
    return any(magic.startswith(mark) for mark, _ in _COMPRESSIONS)


def _holds_tar(path: Path) -> bool:
    if path.name.lower().endswith(ARCHIVES):
        return True  # damaged or not, it is meant as one
    try:
        with tarfile.open(path, "r:*"):
            return True
    except Exception:  # zlib and lzma errors have no common base; all mean: not a readable tar
        return False


def _unpacked(path: Path) -> BinaryIO:
    """A seekable uncompressed tar: the file itself, or a nameless temporary copy of what it holds."""
    import bz2
    import gzip
    import lzma

    openers: dict[str, Any] = {"gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}
    with path.open("rb") as file:
        magic = file.read(6)
    kind = next((kind for mark, kind in _COMPRESSIONS if magic.startswith(mark)), None)
    if kind is None:
        return path.open("rb")
    limit = min(MAX_UNPACKED, max(path.stat().st_size * MAX_RATIO, 2**26))
    copy = tempfile.TemporaryFile()  # noqa: SIM115  # lives as long as the tree
    written = 0
    try:
        with openers[kind](path, "rb") as packed:
            while piece := packed.read(2**20):
                written += len(piece)
                if written > limit:
                    raise _bomb(path, written)
                copy.write(piece)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return cast(BinaryIO, copy)


def _check_members(path: Path, names: list[str], unpacked: int) -> None:
    if len(names) > MAX_MEMBERS:
        raise DataError(f"{path}: holds {len(names):,} files", f"at most {MAX_MEMBERS:,}", "unpack it, give the folder")
    if len(set(names)) < len(names):
        raise DataError(f"{path}: holds two files of one name", "each name once", "make the archive anew")
    if unpacked > min(MAX_UNPACKED, max(path.stat().st_size * MAX_RATIO, 2**26)):
        raise _bomb(path, unpacked)
    for name in names:
        if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or "\x00" in name:
            raise DataError(
                f"{path}: holds a file named {name!r}",
                "names inside the archive's own folder",
                "do not trust this file",
            )


def _bomb(path: Path, unpacked: int) -> DataError:
    return DataError(
        f"{path}: unpacks to {unpacked:,} bytes or more, from {path.stat().st_size:,}",
        f"at most {MAX_RATIO} times its size and {MAX_UNPACKED // 2**30} GiB",
        "unpack it yourself, if you trust it, and give the folder",
    )


def _unreadable(path: str | Path, reason: str) -> DataError:
    return DataError(f"{path}: {reason}", "a readable file", "check path and permissions")


def _damaged(path: Path, error: Exception, name: str | None = None) -> DataError:
    where = f"{path}: {name}" if name else str(path)
    return DataError(
        f"{where}: the archive is damaged ({error or type(error).__name__})",
        "a whole zip or tar archive",
        "copy or download it again",
    )

"""Open a path as a tree: a folder, a file, or a zip or tar, which is checked before it is used."""

from __future__ import annotations

import os
import tarfile
import tempfile
import threading
import weakref
import zipfile
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from tellapart.data.tree import MAX_RATIO, FolderTree, Tree, stamp_of, unreadable, with_slashes
from tellapart.errors import DataError

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")
MAX_MEMBERS = 2_000_000
"""The most files in an archive."""

MAX_UNPACKED = 64 * 2**30
"""The most bytes that an archive may unpack to."""


class ZipTree(Tree):
    """The members of a zip, read from the archive without unpacking it to disk."""

    def __init__(self, path: Path) -> None:
        try:
            self.archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise _damaged(path, error) from error
        self.process = os.getpid()
        if not all(info.filename for info in self.archive.infolist()):
            raise _damaged(path, ValueError("a member without a name"))
        members = [info for info in self.archive.infolist() if not info.filename.endswith(("/", "\\"))]
        names = [name.removeprefix("./") for name in with_slashes([info.filename for info in members])]
        _check_members(path, names, sum(info.file_size for info in members))
        if any(info.flag_bits & 1 for info in members):
            raise DataError(f"{path}: is encrypted", "an archive without a password", "unpack it and use the folder")
        self.members = dict(zip(names, members, strict=True))
        super().__init__(path, list(self.members))

    def read(self, name: str) -> bytes:
        """See Tree."""
        return self.start(name, -1)

    def start(self, name: str, count: int) -> bytes:
        """See Tree; -1 returns all bytes."""
        if name not in self.members:
            raise _missing(self, name)
        try:
            with self._archive().open(self.members[name]) as member:
                return member.read(count)
        except Exception as error:  # zlib, zipfile and struct errors of a damaged member; bz2's are OSErrors
            if isinstance(error, MemoryError):
                raise
            if isinstance(error, OSError) and error.errno is not None:  # may be temporary
                reason = f"cannot be read ({error.strerror})"
                raise unreadable(self.describe(name), reason, temporary=True) from error
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
        """Return the archive, opened again in a forked process: it would share the file position with its parent."""
        if self.process != os.getpid():
            self.archive, self.process = zipfile.ZipFile(self.path), os.getpid()
        return self.archive


class TarTree(Tree):
    """The regular files of a tar, compressed or not; links and devices are ignored."""

    def __init__(self, path: Path) -> None:
        self.lock = threading.Lock()
        try:
            self.stamped = stamp_of(path)
            self.file = _unpacked(path)
            weakref.finalize(self, self.file.close)
            with tarfile.open(fileobj=self.file, mode="r:") as archive:
                members = _members(path, archive)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise _damaged(path, error) from error
        except Exception as error:  # zlib.error and lzma.LZMAError have no common base
            raise error if isinstance(error, DataError) else _damaged(path, error) from error
        names = [name for name, _ in members]
        _check_members(path, names, 0)
        self.members = dict(members)
        super().__init__(path, names)

    def read(self, name: str) -> bytes:
        """See Tree."""
        return self.start(name, self._member(name)[1])

    def start(self, name: str, count: int) -> bytes:
        """See Tree."""
        offset, size = self._member(name)
        if hasattr(os, "pread"):  # needs no lock, not even between processes
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
            raise _missing(self, name) from error


def open_tree(path: Path) -> Tree:
    """Return the tree of a path: a folder, an archive (recognised by its content), or one file.

    Raises DataError for a damaged or dangerous archive, for an empty file or folder, and for anything else.
    """
    if path.is_dir():
        tree: Tree = FolderTree(path)
        if not tree.names:
            raise DataError(
                f"{path}: the folder is empty", "pictures in class folders, or a data file", "check the path"
            )
        alone = path / tree.names[0] if len(tree.names) == 1 else None
        return open_tree(alone) if alone and alone.name.lower().endswith(ARCHIVES) else tree
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
        raise DataError(
            f"{path}: the file is empty", "a data file or an archive", "check that it was copied completely"
        )
    if magic[:4] == b"PK\x03\x04" and not _is_npz(path):
        return ZipTree(path)
    if magic[257:262] == b"ustar" or (_is_compressed(magic) and _holds_tar(path)):
        return TarTree(path)
    return FolderTree(path.parent, only=path.name)


def _is_npz(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return path.suffix.lower() == ".npz"  # damaged; the NPZ format reports it
    return bool(names) and all(name.endswith(".npy") for name in names)


_COMPRESSIONS = ((b"\x1f\x8b", "gz"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"))


def _is_compressed(magic: bytes) -> bool:
    return any(magic.startswith(mark) for mark, _ in _COMPRESSIONS)


def _holds_tar(path: Path) -> bool:
    if path.name.lower().endswith(ARCHIVES):
        return True  # damaged or not
    try:
        with tarfile.open(path, "r:*"):
            return True
    except Exception:  # zlib and lzma errors have no common base; all mean: not a readable tar
        return False


def _unpacked(path: Path) -> BinaryIO:
    """Return a seekable uncompressed tar: the file itself, or a nameless temporary file with its unpacked content."""
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
                _write(copy, piece, path, written)
    except BaseException:
        copy.close()
        raise
    copy.seek(0)
    return cast(BinaryIO, copy)


def _write(copy: Any, piece: bytes, path: Path, written: int) -> None:
    try:
        copy.write(piece)
        copy.flush()
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: has no space to unpack {path} ({error.strerror}, after {written:,} bytes)",
            "a folder for temporary files with enough space for the unpacked archive",
            "set TMPDIR to a folder on a larger disk, or unpack the archive yourself and use the folder",
        ) from error


def _members(path: Path, archive: tarfile.TarFile) -> list[tuple[str, tuple[int, int]]]:
    """Return names, offsets and sizes of the regular files of a tar. Raises DataError if there are too many."""
    members = []
    for count, info in enumerate(archive, 1):
        archive.members = []  # type: ignore[attr-defined]  # it would keep every member in memory
        if count > MAX_MEMBERS:
            raise _too_many(path, count)
        if info.isreg() and not info.issparse():
            members.append((info.name.removeprefix("./"), (info.offset_data, info.size)))
    return members


def _too_many(path: Path, count: int) -> DataError:
    return DataError(
        f"{path}: contains {count:,} files or more", f"at most {MAX_MEMBERS:,}", "unpack it and use the folder"
    )


def _check_members(path: Path, names: list[str], unpacked: int) -> None:
    if len(names) > MAX_MEMBERS:
        raise _too_many(path, len(names))
    if len(set(names)) < len(names):
        raise DataError(f"{path}: contains two files with the same name", "unique names", "make the archive again")
    if unpacked > min(MAX_UNPACKED, max(path.stat().st_size * MAX_RATIO, 2**26)):
        raise _bomb(path, unpacked)
    for name in names:
        if name.startswith(("/", "\\")) or ".." in PurePosixPath(name.replace("\\", "/")).parts or "\x00" in name:
            raise DataError(
                f"{path}: contains a file named {name!r}",
                "names without an absolute path and without '..'",
                "do not trust this file",
            )


def _missing(tree: Tree, name: str) -> DataError:
    reason = "is not in the archive"
    return DataError(f"{tree.describe(name)}: {reason}", "a file of that name", "check the archive", reason=reason)


def _bomb(path: Path, unpacked: int) -> DataError:
    return DataError(
        f"{path}: unpacks to {unpacked:,} bytes or more, from {path.stat().st_size:,}",
        f"at most {MAX_RATIO} times its size and {MAX_UNPACKED // 2**30} GiB",
        "if you trust it, unpack it yourself and use the folder",
    )


def _damaged(path: Path, error: Exception, name: str | None = None) -> DataError:
    where = f"{path}: {name}" if name else str(path)
    reason = f"the archive is damaged ({error or type(error).__name__})"
    return DataError(
        f"{where}: {reason}", "an undamaged zip or tar archive", "copy or download it again", reason=reason
    )

"""Read members of an archive (.zip) of weights with limits of memory."""

from __future__ import annotations

import zipfile
from types import TracebackType
from typing import BinaryIO, Self

from tellapart.pretrained._numbers import RefusedError, shown

MOST_DIRECTORY = 2**22
"""Bytes of the list of members, which Python reads at once and keeps in about 15 times the memory."""


class Archive:
    """An open archive of `size` bytes. `names` are those of its members.

    Raises RefusedError for an archive that is damaged, has a name twice, or a list of more than 4 MiB.
    """

    def __init__(self, file: BinaryIO, size: int, packed: int) -> None:
        """`packed` is how many times its own size all read members may take."""
        self.size, self._left = size, packed * size + 2**20
        self._guard = _Guard(file, size)
        try:
            self._zip = zipfile.ZipFile(self._guard)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
            raise RefusedError("its archive is damaged") from error
        self._guard.most = None
        self.names = frozenset(self._zip.namelist())
        if len(self.names) < len(self._zip.namelist()):
            raise RefusedError("its archive has two members with the same name")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._zip.close()

    def read(self, name: str, most: int) -> bytes:
        """The bytes of a member, checked by its CRC. Raises RefusedError for more than `most`, or a damaged member."""
        if name not in self.names:
            raise RefusedError(f"its archive has no member {shown(name)}")
        info = self._zip.getinfo(name)
        self._left -= info.file_size
        if info.file_size > most or self._left < 0:
            raise RefusedError(f"{shown(name)} in its archive declares {info.file_size:,} bytes, which is too large")
        if info.flag_bits & 1 or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise RefusedError(f"{shown(name)} in its archive is encrypted, or packed in an unsupported way")
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size)
                complete = len(data) == info.file_size and not member.read(1)
        except Exception as error:  # zipfile, zlib and struct raise their own types for damaged archives
            raise RefusedError(f"{shown(name)} in its archive is damaged") from error
        if not complete:
            raise RefusedError(f"{shown(name)} in its archive does not have the size that it declares")
        return data


class _Guard:
    """A file of which at most `most` bytes are read at once: no list of members can be larger."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.most: int | None = MOST_DIRECTORY
        self.seek, self.tell, self.seekable = file.seek, file.tell, file.seekable

    def read(self, count: int = -1) -> bytes:
        left = max(0, self._size - self._file.tell())
        if self.most is not None and (left if count < 0 else min(left, count)) > self.most:
            raise RefusedError(f"its archive has a list of members of more than {self.most:,} bytes")
        return self._file.read(count)

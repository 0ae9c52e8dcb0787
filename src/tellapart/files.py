"""Files that are either wholly there or not at all: atomic writes, hashes, numbered folders."""

from __future__ import annotations

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from tellapart.errors import UsageError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; on success flush it to the disk and put it in place, else remove it.

    Whoever reads `path` sees the old file or the new one, never a third (write, fsync, rename, fsync of the folder).
    """
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
        sync_folder(path.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replacing(path) as temporary:
        # File names that are not valid UTF-8 reach us with surrogates in them; they are written readably.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically, indented but for rows of numbers, non-ASCII letters as they are."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_text(path, _ROW.sub(lambda found: f"[{' '.join(found[1].split())}]", text) + "\n")


_ROW = re.compile(r"\[\n([-+\d.eE,\s]*)\]")
"""A list of numbers, a line each; within JSON's strings there is no such line."""


def sha256(data: bytes | memoryview) -> str:
    """The SHA-256 of some bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def plain_name(text: str) -> str:
    """`text` as a name that is safe as a file name on every system: letters, digits, dot, dash, underscore."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80] or "unnamed"


def free_path(path: Path) -> Path:
    """A path that nothing is at: this one, or with -2, -3 and so on before its suffix."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free


def next_numbered_folder(parent: Path, stem: str) -> Path:
    """Create and return `parent/stem-NNN` with the next free number; an existing folder is never taken."""
    try:
        parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(parent, error) from error
    pattern = re.compile(re.escape(stem) + r"-(\d+)")
    taken = [int(match[1]) for path in parent.iterdir() if (match := pattern.fullmatch(path.name))]
    number = max(taken, default=0) + 1
    while True:
        folder = parent / f"{stem}-{number:03d}"
        try:
            folder.mkdir()
        except FileExistsError:  # another run took the number between the look and the making
            number += 1
        except OSError as error:
            raise _unwritable(folder, error) from error
        else:
            return folder


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{folder}: the folder for runs cannot be made ({error.strerror})",
        "a folder that can be written to",
        "name another with --runs",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Flush to the disk which files a folder has."""
    if os.name != "posix":  # only POSIX lets a folder be opened for fsync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

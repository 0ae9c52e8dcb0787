"""Files and folders: atomic writes, hashes, safe names, numbered folders."""

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

OUTPUT_FOLDER = "tellapart-out"
"""The folder, in the current one, for files that verbs write without --output and that are not about one run.

Inside the data it would be taken for a class, so it is never read.
"""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Replace a file atomically: yield a temporary path in its folder, then move that file to `path`.

    Another process that reads `path` sees the old file or the complete new one (write, fsync, rename, fsync of the
    folder). If the block raises, the temporary file is removed and `path` is unchanged.
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
        # File names that are not valid UTF-8 contain surrogates; they are written as escapes.
        temporary.write_bytes(text.encode("utf-8", "backslashreplace"))


def write_json(path: Path, content: Any) -> None:
    """Write JSON atomically: indented, each list of numbers on one line, non-ASCII letters unescaped."""
    text = json.dumps(content, indent=2, ensure_ascii=False)
    write_text(path, _ROW.sub(lambda row: f"[{' '.join(row[1].split())}]", text) + "\n")


_ROW = re.compile(r"\[\n([-+\d.eE,\s]*)\]")
"""A list of numbers in indented JSON. JSON strings contain no line breaks, so none of them matches."""


def sha256(data: bytes | memoryview) -> str:
    """The SHA-256 of bytes, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; the file is read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def has_digest(path: Path, sha256: str = "", md5: str = "") -> bool:
    """Whether a file has this SHA-256, of which the first digits are enough; or, if there is none, this MD5.

    An MD5 shows damage only: files with the same one can be made.
    """
    if sha256:
        return sha256_of_file(path).startswith(sha256.lower())
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest() == md5.lower()


def plain_name(text: str) -> str:
    """`text` as a file name that is safe on every system: letters, digits, dot, dash and underscore, at most 80."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:80] or "unnamed"


def free_path(path: Path) -> Path:
    """A path that does not exist yet: `path`, or `path` with -2, -3 and so on before its suffix."""
    free, number = path, 2
    while free.exists():
        free, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return free


def next_numbered_folder(parent: Path, stem: str) -> Path:
    """Create and return `parent/stem-NNN` with the next free number. Raises UsageError if it cannot be created."""
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
        except FileExistsError:  # another run took the number in the meantime
            number += 1
        except OSError as error:
            raise _unwritable(folder, error) from error
        else:
            return folder


def new_folder(folder: Path) -> Path:
    """Create and return a folder. Raises UsageError if it exists or cannot be created."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir()
    except FileExistsError as error:
        raise UsageError(f"{folder}: exists already", "a name that is not used", "") from error
    except OSError as error:
        raise _unwritable(folder, error) from error
    return folder


def _unwritable(folder: Path, error: OSError) -> UsageError:
    return UsageError(
        f"{folder}: cannot create the folder for runs ({error.strerror})",
        "a writable folder",
        "choose another folder with --runs",
    )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def sync_folder(folder: Path) -> None:
    """Flush the list of files in a folder to the disk."""
    if os.name != "posix":  # only POSIX systems can open a folder for fsync
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

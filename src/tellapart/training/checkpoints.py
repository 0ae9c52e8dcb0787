"""Checkpoints on disk: each is a folder that is complete or absent, verified by its manifest, never overwritten.

A folder `checkpoint-NNNN` holds `arrays.npz` and `manifest.json`: sizes and SHA-256 of the other file, plain values,
and a SHA-256 of the manifest itself. Files are flushed to the disk before the folder gets its name. An old one
is removed only after two newer ones have been read back.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from tellapart.errors import CheckpointError
from tellapart.files import sha256, sha256_of_file, sync_folder
from tellapart.text import counted

FOLDER = "checkpoints"
"""The folder of checkpoints within a run's folder."""

SCHEMA = 1
ARRAYS, MANIFEST = "arrays.npz", "manifest.json"
KEPT = 2
"""The number of verified checkpoints that are kept."""

_NAME = re.compile(r"checkpoint-(\d{4,})")
_LEFTOVER = ".checkpoint-"


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A training at one moment: plain values and arrays by name; `path` is its folder, if it is on disk."""

    values: dict[str, Any]
    arrays: dict[str, np.ndarray]
    path: Path | None = None

    @property
    def size(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())


class Checkpoints:
    """The checkpoints of one training, in a folder that the first one creates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.good: list[Path] = []
        """Verified checkpoints, the oldest first."""

    def any(self) -> bool:
        """Whether there is a checkpoint, damaged or not."""
        return bool(self._numbered())

    def newest(self, say: Callable[[str], None]) -> Checkpoint | None:
        """The newest undamaged checkpoint; None if there never was one.

        Reports damaged ones. Raises CheckpointError if all are damaged: starting over is for the user to decide.
        """
        for leftover in self.folder.glob(f"{_LEFTOVER}*"):  # of an interrupted save
            shutil.rmtree(leftover, ignore_errors=True)
        faults = []
        for number, path in sorted(self._numbered().items(), reverse=True):
            try:
                found = _read(path)
            except _DamagedError as error:
                faults.append(f"{path.name}: {error}")
                continue
            self.good = [path]
            if faults:
                say(
                    f"WARNING: damaged checkpoints ({'; '.join(faults)}): training resumes from {path.name}, "
                    f"the newest undamaged one (number {number})"
                )
            return found
        if not faults:
            return None
        raise CheckpointError(
            f"{self.folder}: all of {counted(len(faults), 'checkpoint')} are damaged ({'; '.join(faults)})",
            "at least one undamaged checkpoint",
            "restore the folder from a backup, or start a new run without --resume",
        )

    def write(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint and verify it; then remove old ones.

        Raises CheckpointError, which names path and bytes; the earlier ones are then unchanged.
        """
        number = max(self._numbered(), default=0) + 1
        path = self.folder / f"checkpoint-{number:04d}"
        temporary: Path | None = None
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=f"{_LEFTOVER}{number:04d}.", suffix=".part", dir=self.folder))
            _write(temporary, checkpoint)
            temporary.rename(path)
            sync_folder(self.folder)
            _check(path)
        except (OSError, _DamagedError) as error:
            if temporary is not None:
                shutil.rmtree(temporary, ignore_errors=True)
            reason = error.strerror or str(error) if isinstance(error, OSError) else f"verification failed: {error}"
            before = f"; {self.good[-1].name} is undamaged" if self.good else ""
            raise CheckpointError(
                f"{path}: a checkpoint of {checkpoint.size:,} bytes cannot be written ({reason}){before}",
                "a disk with enough free space that stores what is written",
                "free space, or check the disk; then use --resume",
            ) from error
        self.good.append(path)
        if len(self.good) >= KEPT:
            self.good = self.good[-KEPT:]
            for other in set(self._numbered().values()) - set(self.good):
                shutil.rmtree(other, ignore_errors=True)
        return path

    def remove(self) -> None:
        """Remove all of them: the result of the training is kept elsewhere."""
        for path in self._numbered().values():
            shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            self.folder.rmdir()

    def _numbered(self) -> dict[int, Path]:
        try:
            paths = list(self.folder.iterdir())
        except OSError:
            return {}
        return {int(match[1]): path for path in paths if (match := _NAME.fullmatch(path.name))}


class _DamagedError(Exception):
    """A checkpoint is damaged."""


class _Hashed(io.RawIOBase):
    """Writes to a file, and keeps the SHA-256 and the number of bytes."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.digest, self.bytes = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        piece = memoryview(data).cast("B")
        self.file.write(piece)
        self.digest.update(piece)
        self.bytes += len(piece)
        return len(piece)


def _write(folder: Path, checkpoint: Checkpoint) -> None:
    with (folder / ARRAYS).open("wb") as file:
        through = _Hashed(file)
        np.savez(through, allow_pickle=False, **checkpoint.arrays)
        file.flush()
        os.fsync(file.fileno())
    content = {
        "schema": SCHEMA,
        "files": {ARRAYS: {"bytes": through.bytes, "sha256": through.digest.hexdigest()}},
        "values": checkpoint.values,
    }
    with (folder / MANIFEST).open("wb") as file:
        file.write(_sealed(content))
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def _sealed(content: dict[str, Any]) -> bytes:
    """A manifest with its own hash in it, in the one form that it can have."""
    return _words(content | {"sha256": sha256(_words(content))})


def _words(content: dict[str, Any]) -> bytes:
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def _check(path: Path) -> dict[str, Any]:
    """The values of an undamaged checkpoint. Raises _DamagedError that names the damage."""
    try:
        data = (path / MANIFEST).read_bytes()
        content = json.loads(data)
        content.pop("sha256")
        if _sealed(content) != data:
            raise ValueError("hash")
    except FileNotFoundError:
        raise _DamagedError("it has no manifest") from None
    except OSError as error:
        raise _DamagedError(f"its manifest cannot be read ({error.strerror})") from error
    except (ValueError, AttributeError, KeyError, TypeError, RecursionError) as error:
        raise _DamagedError("its manifest is damaged") from error
    if content["schema"] != SCHEMA:
        raise _DamagedError(f"it has format {content['schema']}, and this version reads {SCHEMA}")
    wanted = content["files"][ARRAYS]
    try:
        size = (path / ARRAYS).stat().st_size
        if size != wanted["bytes"]:
            raise _DamagedError(f"{ARRAYS} has {size:,} bytes instead of {wanted['bytes']:,}")
        if sha256_of_file(path / ARRAYS) != wanted["sha256"]:
            raise _DamagedError(f"{ARRAYS} is damaged")
    except OSError as error:
        raise _DamagedError(f"{ARRAYS} cannot be read ({error.strerror})") from error
    return dict(content["values"])


def _read(path: Path) -> Checkpoint:
    values = _check(path)
    with np.load(path / ARRAYS, allow_pickle=False) as archive:
        return Checkpoint(values, dict(archive), path)

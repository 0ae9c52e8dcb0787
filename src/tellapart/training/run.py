"""The folder of a run: what was asked, what happened, what came out. It is never overwritten."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO

from tellapart.errors import CheckpointError, UsageError
from tellapart.files import next_numbered_folder, plain_name, write_json
from tellapart.parallel import cores
from tellapart.text import quoted

MODEL, RECORD, SPLIT, CLASSES = "model.keras", "run.json", "split.csv", "classes.txt"
CURVES = "curves.png"
LOCK = "lock"


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the files in it."""

    path: Path

    @classmethod
    def create(cls, runs: Path, data: str, recipe: str) -> RunFolder:
        """Make `runs/<data>-<recipe>-<NNN>/` with the next free number."""
        return cls(next_numbered_folder(runs, f"{plain_name(data)}-{plain_name(recipe)}"))

    def write(self, record: dict[str, Any]) -> None:
        """Write run.json anew, wholly or not at all. Raises CheckpointError where it cannot be written."""
        with written(self.path / RECORD):
            write_json(self.path / RECORD, record)

    def read(self) -> dict[str, Any]:
        """What run.json says. Raises UsageError where there is none that can be read."""
        try:
            record = json.loads((self.path / RECORD).read_text(encoding="utf-8"))
            if isinstance(record, dict) and "options" in record and "status" in record:
                return record
            reason = "it is none of a training's"
        except FileNotFoundError:
            reason = "there is none"
        except (OSError, ValueError) as error:
            reason = f"it cannot be read: {error}"
        raise UsageError(
            f"{self.path}: is not the folder of a training ({RECORD}: {reason})",
            "a run's folder, such as runs/digits-quick-001",
            "check the path",
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only process that trains here. Raises UsageError that names the other.

        The system lets the lock go with the process that holds it, however that ends: none is left behind.
        """
        path = self.path / LOCK
        while True:
            with path.open("a+b") as file:
                if not _take(file):
                    holder = path.read_text(encoding="utf-8", errors="replace").strip() or "another process"
                    raise UsageError(
                        f"{self.path}: is being trained by {holder}",
                        "a run that no other process works on",
                        "wait until it ends, or stop it",
                    )
                if not _is_at(file, path):  # whoever had it took the file away after this process had opened it
                    continue
                file.truncate(0)
                file.write(f"process {os.getpid()} on {platform.node()} since {now()}\n".encode())
                file.flush()
                try:
                    yield
                finally:
                    file.truncate(0)
                    with suppress(OSError):  # Windows takes no file away that is open: the next one finds it empty
                        path.unlink()
            break
        with suppress(OSError):  # a folder with anything in it stays
            self.path.rmdir()

    def busy(self) -> bool:
        """Whether another process trains here at this moment."""
        path = self.path / LOCK
        try:
            with path.open("r+b") as file:
                return not _take(file)  # what is taken goes with the file
        except OSError:
            return False

    def remove(self) -> None:
        """Take the folder away again: for a training that failed before it had anything to keep."""
        shutil.rmtree(self.path, ignore_errors=True)


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _take(file: BinaryIO) -> bool:
    """Lock an open file for this process, if no other has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(2**30)  # beyond the text, which others may then read
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS)  # a file system that knows no locks
    return True


ROOM = ("room for checkpoints, the model file and the report", "free space, or name another folder with --runs")
"""What was expected, and what to do, where a disk is too full for a training."""


@contextmanager
def written(path: Path) -> Iterator[None]:
    """While a file of a run is written: raises CheckpointError, which names it, where the system does not let it be."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written ({error.strerror or error})", *ROOM) from error


def lacking(place: Path, needed: int) -> int | None:
    """The bytes that are free where a folder is or will be, if they are fewer than what is needed; else None."""
    there = next((path for path in (place, *place.absolute().parents) if os.path.isdir(path)), None)  # noqa: PTH112  # which does not raise
    if there is None:
        return None  # making the folder says what is wrong
    free = shutil.disk_usage(there).free
    return free if free < needed else None


def resume_command(folder: Path) -> str:
    """What to do about a training that was broken off: a command that a terminal takes as it stands."""
    word = quoted(str(folder))
    command = f"tellapart train --resume {word}"
    return f"go on with '{command}'" if word == str(folder) else f"go on with: {command}"


def count_test_evaluation(model: str, fingerprint: str) -> int | None:
    """Count one more look at a run's test split in the run.json beside its model; None where there is none to write, or
    where it is of a training on other data than that of this fingerprint.

    Every look at a test split, and every choice made after it, lets its figures say less of new pictures.
    """
    record = record_of(model, fingerprint)
    if record is None:
        return None
    try:
        looks = int(record.get("looks", 1)) + 1
        write_json(Path(model).with_name(RECORD), record | {"looks": looks})
    except (OSError, ValueError, TypeError):
        return None
    return looks


def record_of(model: str, fingerprint: str | None) -> dict[str, Any] | None:
    """What the run.json beside a model file holds, where that is of a training on the data of this fingerprint."""
    try:
        record = json.loads(Path(model).with_name(RECORD).read_text(encoding="utf-8"))
        return record if record["data"]["fingerprint"] == fingerprint else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def machine() -> dict[str, Any]:
    """What this machine is, for the record."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": cores(),
    }


def versions() -> dict[str, str]:
    """Versions of what decides a result, for the record."""
    found = {name: version(name) for name in ("tellapart", "keras", "numpy", "pillow", "onnxruntime")}
    return {"python": sys.version.split()[0], **found}


def now() -> str:
    """The time in UTC, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def processor() -> str:
    """The processor's name."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()

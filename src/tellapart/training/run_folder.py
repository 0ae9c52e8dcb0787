"""The folder of a run: the plan, what happened, the results. It is never overwritten."""

from __future__ import annotations

import errno
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from tellapart.errors import CheckpointError, UsageError
from tellapart.files import new_folder, next_numbered_folder, plain_name, write_json
from tellapart.text import quoted
from tellapart.training.checkpoints import FOLDER, Checkpoints
from tellapart.training.machine import now

MODEL, RECORD, SPLIT, CLASSES = "model.keras", "run.json", "split.csv", "classes.txt"
CURVES, REPORT, HISTORY = "curves.png", "report.html", "history.csv"
CONFUSION, CONFUSION_NORMALIZED = "confusion_matrix.png", "confusion_matrix_normalized.png"
MISTAKES, AUGMENTED = "mistakes.png", "augmented.png"
LOCK, HOLDER = "lock", "lock-holder.txt"

FORMAT = 2
"""Of run.json: changes when runs of an earlier version cannot be resumed."""

_NO_LOCKS = (errno.ENOTSUP, errno.ENOLCK, errno.ENOSYS)
"""What a file system without locks answers. A run there is not locked, which is better than not to train."""


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the files in it."""

    path: Path

    @classmethod
    def create(cls, runs: Path, data: str, recipe: str, name: str | None = None) -> RunFolder:
        """Make `runs/<name>/` or, without a name, `runs/<data>-<recipe>-<NNN>/` with the next free number.

        Raises UsageError if the folder exists or cannot be made.
        """
        if name is None:
            return cls(next_numbered_folder(runs, f"{plain_name(data)}-{plain_name(recipe)}"))
        return cls(new_folder(runs / name))

    @property
    def model(self) -> Path:
        """The path of the model file."""
        return self.path / MODEL

    def epochs(self) -> int:
        """The number of epochs that history.csv has."""
        try:
            return max(0, (self.path / HISTORY).read_text(encoding="utf-8").count("\n") - 1)
        except (OSError, ValueError):  # a damaged file
            return 0

    def write(self, record: dict[str, Any]) -> None:
        """Replace run.json, atomically. Raises CheckpointError if it cannot be written."""
        with written(self.path / RECORD):
            write_json(self.path / RECORD, record)

    def read(self) -> dict[str, Any]:
        """The contents of run.json. Raises UsageError if it is missing or damaged."""
        return read_record(self.path / RECORD)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make this the only process that trains here. Raises UsageError that names the process that already does.

        The system releases the lock when the process ends, for whatever reason.
        """
        lock = self._lock()
        try:
            lock.acquire()
        except Timeout as error:
            raise UsageError(
                f"{self.path}: is being trained by {self._holder()}",
                "a run that no other process is training",
                "wait until it ends, or stop it",
            ) from error
        except (OSError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_LOCKS:
                raise
        holder = self.path / HOLDER
        holder.write_text(f"process {os.getpid()} on {platform.node()} since {now()}\n", encoding="utf-8")
        try:
            yield
        finally:
            with suppress(OSError):  # Windows cannot remove a file that is open
                holder.unlink()
                (self.path / LOCK).unlink()
            lock.release()
        with suppress(OSError):  # removes the folder only if it is empty
            self.path.rmdir()

    def busy(self) -> bool:
        """Whether another process is training here."""
        if not (self.path / LOCK).exists():
            return False
        try:
            with self._lock():
                return False
        except Timeout:
            return True
        except (OSError, NotImplementedError):
            return False

    def remove_checkpoints(self, *others: str) -> None:
        """Remove the checkpoints and `others`, folders of a finished run that only a resumed one needs."""
        Checkpoints(self.path / FOLDER).remove()
        for name in others:
            shutil.rmtree(self.path / name, ignore_errors=True)

    def remove(self) -> None:
        """Remove the folder: for a training that failed before it had anything to keep."""
        shutil.rmtree(self.path, ignore_errors=True)

    def _lock(self) -> FileLock:
        return FileLock(self.path / LOCK, timeout=0)

    def _holder(self) -> str:
        with suppress(OSError):
            return (self.path / HOLDER).read_text(encoding="utf-8", errors="replace").strip()
        return "another process"


ROOM = ("space for checkpoints, the model file and the report", "free space, or choose another folder with --runs")
"""What was expected, and what to do, if a disk is too full for a training."""


@contextmanager
def written(path: Path) -> Iterator[None]:
    """Turn an OSError while a file of the run is written into a CheckpointError that names the file."""
    try:
        yield
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be written ({error.strerror or error})", *ROOM) from error


def lacking(place: Path, needed: int) -> int | None:
    """The free bytes on the disk of a folder, which need not exist yet, if they are fewer than `needed`; else None."""
    there = next((path for path in (place, *place.absolute().parents) if os.path.isdir(path)), None)  # noqa: PTH112  # which does not raise
    if there is None:
        return None  # creating the folder reports what is wrong
    free = shutil.disk_usage(there).free
    return free if free < needed else None


def read_record(path: Path) -> dict[str, Any]:
    """The contents of a run.json, or of a copy of one. Raises UsageError if it is missing or damaged."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(record, dict) and "options" in record and "status" in record:
            return record
        reason = "it does not describe a run"
    except FileNotFoundError:
        reason = "it does not exist"
    except (OSError, ValueError) as error:
        reason = f"it cannot be read: {error}"
    folder = path.parent if path.name == RECORD else path
    raise UsageError(
        f"{folder}: is not a run folder ({path.name}: {reason})",
        "a run folder, such as runs/digits-quick-001",
        "check the path",
    )


def resume_command(folder: Path) -> str:
    """The command that resumes an interrupted run, ready to paste into a terminal."""
    word = quoted(str(folder))
    command = f"tellapart train --resume {word}"
    return f"resume it with '{command}'" if word == str(folder) else f"resume it with: {command}"


def count_test_evaluation(model: str, fingerprint: str) -> int | None:
    """Add one to the number of evaluations on a run's test split, in the run.json next to its model.

    Returns the new number, or None if there is no such file or it belongs to a training on other data. Each evaluation,
    and each choice made after it, makes the metrics on that split more optimistic.
    """
    record = record_of(model, fingerprint)
    if record is None:
        return None
    try:
        count = int(record.get("test_evaluations", 1)) + 1
        write_json(Path(model).with_name(RECORD), record | {"test_evaluations": count})
    except (OSError, ValueError, TypeError):
        return None
    return count


def record_of(model: str, fingerprint: str | None) -> dict[str, Any] | None:
    """The run.json next to a model file, if it belongs to a training on the data with this fingerprint; else None."""
    try:
        record = json.loads(Path(model).with_name(RECORD).read_text(encoding="utf-8"))
        return record if record["data"]["fingerprint"] == fingerprint else None
    except (OSError, ValueError, LookupError, TypeError):
        return None

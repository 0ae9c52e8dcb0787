"""The folder of a run: what was asked, what happened, what came out. It is never overwritten."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tellapart.files import next_numbered_folder, plain_name, write_json

MODEL, RECORD, SPLIT, CLASSES = "model.keras", "run.json", "split.csv", "classes.txt"
CURVES = "curves.png"


@dataclass(frozen=True)
class RunFolder:
    """A run's folder and the files in it."""

    path: Path

    @classmethod
    def create(cls, runs: Path, data: str, recipe: str) -> RunFolder:
        """Make `runs/<data>-<recipe>-<NNN>/` with the next free number."""
        return cls(next_numbered_folder(runs, f"{plain_name(data)}-{plain_name(recipe)}"))

    def write(self, record: dict[str, Any]) -> None:
        """Write run.json anew, wholly or not at all."""
        write_json(self.path / RECORD, record)

    def remove(self) -> None:
        """Take the folder away again: for a training that failed before it had anything to keep."""
        shutil.rmtree(self.path, ignore_errors=True)


def count_look(model: str) -> int | None:
    """Count one more look at a run's test part in the run.json beside its model; None where there is none to write.

    Every look at a test part, and every choice made after it, lets its figures say less of new pictures.
    """
    path = Path(model).with_name(RECORD)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        looks = int(record.get("looks", 1)) + 1
        write_json(path, record | {"looks": looks})
    except (OSError, ValueError, AttributeError, TypeError):
        return None
    return looks


def machine() -> dict[str, Any]:
    """What this machine is, for the record."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": os.cpu_count(),
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

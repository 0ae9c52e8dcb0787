"""Facts for the record: what machine this is, the versions of the libraries, the time."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tellapart.parallel import cores


def machine() -> dict[str, Any]:
    """The system, processor and number of cores of this machine."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": processor(),
        "cores": cores(),
    }


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that a result depends on."""
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

"""How much this process may take of memory, and of processors: by the machine, its container and its own limit."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path


def available() -> int | None:
    """Bytes that this process may still take; None where the system does not tell, as on macOS and Windows."""
    found = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            found.append(int(line.split()[1]) * 1024)
    found += [free for place in _groups("memory") if (free := _left_in(place)) is not None]
    with contextlib.suppress(ImportError, OSError, IndexError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            found.append(limit - int(_lines("/proc/self/statm")[0].split()[0]) * resource.getpagesize())
    return min(found, default=None)


def processors() -> float | None:
    """Processors whose time this process may take, as its container has it; None where nobody has said."""
    found = []
    for place in _groups("cpu"):
        words = " ".join(_lines(str(place / "cpu.max"))).split()  # of the second kind; else two files
        for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us") if not words else ():
            words += _lines(str(place / name))
        if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
            found.append(int(words[0]) / int(words[1]))
    return min(found, default=None)


def _groups(kind: str) -> Iterator[Path]:
    """The control groups that this process is in, those of a `kind` or of all, each with those that it is in."""
    for line in _lines("/proc/self/cgroup"):
        _, kinds, path = line.split(":", 2)
        if kind in kinds.split(",") or not kinds:
            root = Path("/sys/fs/cgroup", kinds)
            here = root / path.lstrip("/")
            yield from (place for place in (here, *here.parents) if place.is_relative_to(root))


def _left_in(group: Path) -> int | None:
    """Bytes that a group may still take, with what it holds of files that were read counted as free."""
    for limit, usage in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        most, used = _lines(str(group / limit)), _lines(str(group / usage))
        if most and used and most[0].isdigit():
            numbers = dict(line.split() for line in _lines(str(group / "memory.stat")))
            prefix = "total_" if "total_inactive_file" in numbers else ""
            cached = sum(int(numbers.get(f"{prefix}{kind}_file", 0)) for kind in ("inactive", "active"))
            return int(most[0]) - int(used[0]) + cached
    return None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []

"""How much memory this process may still take: by the machine, its container and its own limit."""

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
    found += [free for place in _groups() if (free := _left_in(place)) is not None]
    with contextlib.suppress(ImportError, OSError, IndexError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            found.append(limit - int(_lines("/proc/self/statm")[0].split()[0]) * resource.getpagesize())
    return min(found, default=None)


def _groups() -> Iterator[Path]:
    """The control groups that this process is in, of the first kind or the second, each with those that it is in."""
    for line in _lines("/proc/self/cgroup"):
        _, kinds, path = line.split(":", 2)
        if kinds in ("", "memory"):
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

"""Memory and processors available to this process: limits of the machine, the container and the process."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def available() -> int | None:
    """Bytes that this process can still allocate; None if the system does not report it (macOS, Windows)."""
    limits = []
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            limits.append(int(line.split()[1]) * 1024)
    limits += [free for group in _groups("memory") if (free := _left_in(group)) is not None]
    with contextlib.suppress(ImportError, OSError, IndexError):
        import resource

        limit, _ = resource.getrlimit(resource.RLIMIT_AS)
        if limit != resource.RLIM_INFINITY:
            limits.append(limit - int(_lines("/proc/self/statm")[0].split()[0]) * resource.getpagesize())
    return min(limits, default=None)


def total() -> int | None:
    """Bytes of memory that the machine has; None if the system does not report it."""
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    with contextlib.suppress(AttributeError, OSError, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")  # macOS
    return None


def container_limit() -> int | None:
    """Bytes that the container or control group of this process may use in all; None without a limit."""
    limits = []
    for group in _groups("memory"):
        for name in ("memory.max", "memory.limit_in_bytes"):
            limits += [int(line) for line in _lines(str(group / name)) if line.isdigit()]
    whole = total()
    return min((limit for limit in limits if whole is None or limit < whole), default=None)


def processors() -> float | None:
    """Processors that the container of this process allows, such as 1.5; None without a limit."""
    limits = []
    for group in _groups("cpu"):
        words = " ".join(_lines(str(group / "cpu.max"))).split()  # cgroup version 2; version 1 has two files
        for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us") if not words else ():
            words += _lines(str(group / name))
        if len(words) == 2 and all(word.isdigit() and int(word) for word in words):
            limits.append(int(words[0]) / int(words[1]))
    return min(limits, default=None)


def _groups(kind: str) -> Iterator[Path]:
    """The control groups (version 1: those of `kind`) of this process, with their parents."""
    for line in _lines("/proc/self/cgroup"):
        _, kinds, path = line.split(":", 2)
        if kind in kinds.split(",") or not kinds:
            root = Path("/sys/fs/cgroup", kinds)
            group = root / path.lstrip("/")
            yield from (parent for parent in (group, *group.parents) if parent.is_relative_to(root))


def _left_in(group: Path) -> int | None:
    """Bytes that a control group can still allocate. Cached files count as free."""
    for limit, usage in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
        allowed, used = _lines(str(group / limit)), _lines(str(group / usage))
        if allowed and used and allowed[0].isdigit():
            numbers = dict(line.split() for line in _lines(str(group / "memory.stat")))
            prefix = "total_" if "total_inactive_file" in numbers else ""
            cached = sum(int(numbers.get(f"{prefix}{kind}_file", 0)) for kind in ("inactive", "active"))
            return int(allowed[0]) - int(used[0]) + cached
    return None


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii").splitlines()
    except (OSError, UnicodeDecodeError):
        return []

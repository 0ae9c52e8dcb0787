"""Restrict this process before it reads untrusted bytes. Does not import the tellapart package."""

from __future__ import annotations

import os

REFUSED, CANNOT_START = 3, 4
"""Exit statuses of a program: it refuses the data and gives the reason in the last line on stderr; a library that it
needs cannot be imported, which is unrelated to the data."""


def restrict(memory: int, seconds: int) -> None:
    """Forbid this process to open or write files, open sockets and start processes; limit its memory and time.

    `memory`: bytes in addition to those in use. `seconds`: processor time. Limits that the system lacks are left out;
    Windows has none of them, and macOS does not enforce the one on memory.
    """
    try:
        import resource
    except ImportError:
        return
    limits = {
        resource.RLIMIT_NOFILE: 3,  # stdin, stdout and stderr
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        getattr(resource, "RLIMIT_NPROC", resource.RLIMIT_CORE): 0,
        resource.RLIMIT_AS: _used() + memory,
    }
    for kind, limit in limits.items():
        try:
            resource.setrlimit(kind, (limit, limit))
        except (ValueError, OSError):
            continue


def _used() -> int:
    """Bytes of address space in use."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2**32

"""What a program takes from itself before it looks at a stranger's bytes: it imports nothing of tellapart."""

from __future__ import annotations

import os


def restrict(memory: int, seconds: int) -> None:
    """Let this process open no further file or socket, write none, start nothing, and take no more than these.

    `memory`: bytes beside what it has. A system without one of these limits (Windows has none) goes without it.
    """
    try:
        import resource
    except ImportError:
        return
    limits = {
        resource.RLIMIT_NOFILE: 3,  # those that it has
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_CPU: seconds,
        getattr(resource, "RLIMIT_NPROC", resource.RLIMIT_CORE): 0,
        resource.RLIMIT_AS: _used() + memory,
    }
    for kind, most in limits.items():
        try:
            resource.setrlimit(kind, (most, most))
        except (ValueError, OSError):
            continue


def _used() -> int:
    """Bytes of address space in use."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 2**32

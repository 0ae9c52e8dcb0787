"""Run Python programs under strace: with faults in their system calls, or to list what they open and start."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

STARTED = ("clone", "clone3", "fork", "vfork")
OPENING = "access,faccessat,faccessat2,open,openat,openat2,creat,socket,connect,execve,execveat,prlimit64"
"""System calls by which a process opens files, connects and starts programs."""


def followed(program: list[str], traced: Sequence[str] | None) -> tuple[str, int]:
    """Run a Python program, under strace from its line `ready` on if options are given. Returns output and status."""
    with subprocess.Popen(
        [sys.executable, "-c", *program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL,
    ) as child:  # fmt: skip
        assert child.stdout.readline() == "ready\n"
        tracer = None
        if traced is not None:
            tracer = subprocess.Popen(["strace", "-f", "-qq", "-p", str(child.pid), *traced], stderr=subprocess.DEVNULL)
            while "TracerPid:\t0" in Path(f"/proc/{child.pid}/status").read_text():
                if tracer.poll() is not None:
                    assert child.poll() is not None, "strace is not allowed to trace processes here (ptrace)"
                    break  # the program ended before it was traced
                time.sleep(0.005)
        output, _ = child.communicate("go\n", timeout=300)
        if tracer is not None:
            tracer.wait(timeout=60)
    return output.strip(), child.returncode


def opened(trace: str, files: Path) -> dict[str, Any]:
    """The number of files whose reading was traced, and what was opened, connected to or started without permission.

    The process that reads weights counts from the moment it drops its rights. Before that it loads its libraries, and
    has not opened the file.
    """
    from tellapart.classifier.runtime import TRIAL
    from tellapart.classifier.sandbox.hdf5 import READER

    libraries = (sys.prefix, sys.base_prefix, str(HERE.parent / "src"), "/usr/lib", "/lib", "/etc/ld.so.cache")
    system = ("/proc/", "/sys/devices/system/", "/sys/fs/cgroup/", "/dev/null", "/dev/urandom")
    ours = re.compile(re.escape(tempfile.gettempdir()) + r"/tmp[^/]*(/model\.weights\.h5)?")
    calls = list(_calls_in(trace))
    parents = {}
    for process, call, _, result in calls:
        if call in STARTED and result.split()[0].isdigit():
            parents[result.split()[0]] = process
    current, seen, forbidden, loading = "", set(), set(), set()
    for process, call, arguments, result in calls:
        path = next(iter(re.findall(r'"([^"]*)"', arguments)), "")
        if call.startswith(("access", "faccess")) and path.startswith(f"{files}/"):
            current = path
        if (
            call.startswith("execve")
            and path == sys.executable
            and any(f'"{program}"' in arguments for program in (READER, TRIAL))
        ):
            loading.add(process)
        elif call == "prlimit64" and re.search(r"RLIMIT_AS, \{", arguments):
            loading.discard(process)
        elif current and not result.startswith("-1") and not _among(process, parents, loading):
            if call.startswith("open") or call == "creat":
                if path == current:
                    seen.add(path)
                elif not path.startswith((*libraries, *system)) and not ours.fullmatch(path):
                    forbidden.add(f"{Path(current).name}: {call} {path}")
            elif call.startswith(("socket", "connect", "execve")):
                forbidden.add(f"{Path(current).name}: {call} {arguments[:200]}")
    return {"seen": len(seen), "forbidden": sorted(forbidden)}


def _calls_in(trace: str) -> Iterator[tuple[str, str, str, str]]:
    """Process, call, arguments and result of each system call, in the order in which they ended."""
    unfinished: dict[str, str] = {}
    for line in trace.splitlines():
        process, _, text = line.partition(" ")
        text = text.strip()
        if text.endswith("<unfinished ...>"):
            unfinished[process] = text.removesuffix("<unfinished ...>")
            continue
        if text.startswith("<..."):
            text = unfinished.pop(process, "") + text.partition("resumed>")[2]
        if match := re.match(r"(\w+)\((.*?)\)? *= (.*)", text):
            yield process, *match.groups()


def _among(process: str, parents: dict[str, str], loading: set[str]) -> bool:
    """Whether a process or one of its ancestors is loading its libraries."""
    while process not in loading and process in parents:
        process = parents[process]
    return process in loading

"""Run one of our programs on untrusted bytes in a process of its own, with a time limit."""

from __future__ import annotations

import subprocess  # runs our own programs only, by path
import sys
import threading
from pathlib import Path

from tellapart.classifier.sandbox.restricted import CANNOT_START
from tellapart.parallel import search_path

SECONDS = 40
"""Wall-clock limit, after which a program is killed."""


def run_sandboxed(program: Path, data: bytes) -> tuple[int, bytes, bytes]:
    """Exit status, stdout and stderr of a program that gets `data` on stdin.

    Raises RuntimeError if the program cannot import its libraries, which is unrelated to the data.
    """
    command = [sys.executable, "-I", str(program), *search_path()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        clock = threading.Timer(SECONDS, process.kill)
        clock.start()
        try:
            out, errors = process.communicate(data)
        finally:
            clock.cancel()
    if process.returncode == CANNOT_START:
        raise RuntimeError(f"{program.name} cannot start:\n{errors.decode('utf-8', 'replace')}")
    return process.returncode, out, errors

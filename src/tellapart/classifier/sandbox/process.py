"""Programs of ours that look at a stranger's bytes in a process of their own: started, fed, ended when they hang."""

from __future__ import annotations

import subprocess  # our own programs, by their path
import sys
import threading
from pathlib import Path

from tellapart.parallel import search_path

UNCAUGHT = 1
"""Python's exit status after an exception that nobody caught; the programs have other words and numbers for data."""

SECONDS = 40
"""After which a program that does not answer is ended."""


def run_apart(program: Path, data: bytes) -> tuple[int, bytes, bytes]:
    """Exit status, stdout and stderr of a program that was given `data` on stdin.

    Raises RuntimeError where it finds no libraries, which says nothing about the data.
    """
    command = [sys.executable, "-I", str(program), *search_path()]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:  # noqa: S603
        clock = threading.Timer(SECONDS, process.kill)
        clock.start()
        try:
            out, words = process.communicate(data)
        finally:
            clock.cancel()
    if process.returncode == UNCAUGHT and (b"ImportError" in words or b"ModuleNotFoundError" in words):
        raise RuntimeError(f"{program.name} cannot start:\n{words.decode('utf-8', 'replace')}")
    return process.returncode, out, words

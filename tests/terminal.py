"""A terminal of a given size in which tests run a program: what stays on it, line by line, and the raw bytes."""

import os
import pty
import signal
import struct
import sys
import termios
import time
from dataclasses import dataclass
from fcntl import ioctl

import pyte

SECONDS = 240
"""A program that runs longer is ended."""


@dataclass(frozen=True)
class Screen:
    """What a program left on the terminal: its `lines`, blank ones left out, its exit code, and all it wrote."""

    lines: list[str]
    code: int
    raw: bytes


def run_in_terminal(arguments, columns, rows=40, environment=None, folder="."):
    """Run `tellapart ARGUMENTS` in a terminal of `columns` x `rows` characters, in a folder."""
    process, handle = pty.fork()
    if process == 0:  # the child
        names = {"TERM": "xterm-256color", "PYTHONIOENCODING": "utf-8"} | (environment or {})
        kept = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR", "CI")}
        try:
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-m", "tellapart", *arguments], kept | names)
        finally:
            os._exit(127)
    ioctl(handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    screen = pyte.HistoryScreen(columns, rows, history=10_000)
    raw = _read_all(handle, process, pyte.ByteStream(screen))
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    history = ["".join(line[x].data for x in range(columns)).rstrip() for line in screen.history.top]
    return Screen([line for line in [*history, *map(str.rstrip, screen.display)] if line], code, raw)


def _read_all(handle, process, stream):
    raw, started = b"", time.monotonic()
    while True:
        try:
            data = os.read(handle, 65536)
        except OSError:  # the program has ended
            return raw
        if not data:
            return raw
        if time.monotonic() - started > SECONDS:
            os.kill(process, signal.SIGKILL)
        raw += data
        stream.feed(data)

"""Being asked to stop: the first Ctrl-C or SIGTERM is remembered until it can be obeyed, the second obeyed at once."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from types import FrameType, TracebackType
from typing import Any

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]


SAME = 0.5
"""Seconds within which a signal is the same request once more: `timeout` sends it to a process, then to its group."""


class Stopping:
    """While it is entered, from the main thread, says whether the process was asked to stop.

    A training looks at `asked` between its steps. Where nobody looks within a few seconds, asking again ends the
    process as if it had never been entered.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self.since = 0.0
        self.before: dict[int, Any] = {}

    @property
    def asked(self) -> bool:
        """Whether a signal has come."""
        return self.signal is not None

    @property
    def waited(self) -> float:
        """Seconds since it came."""
        return time.monotonic() - self.since if self.asked else 0.0

    def __enter__(self) -> Stopping:
        if threading.current_thread() is threading.main_thread():  # Python lets no other set handlers
            for number in _SIGNALS:
                if signal.getsignal(number) not in (
                    None,
                    signal.SIG_IGN,
                ):  # of a program around Python; as `nohup` asks
                    self.before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self.since = number, time.monotonic()
            return
        if self.waited < SAME:
            return
        if hasattr(sys, "ps1") or "ipykernel" in sys.modules:  # at a prompt, whose owner wants to keep the process
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

"""Stopping on request: a first Ctrl-C, SIGTERM or cancellation is remembered, a second signal ends the process."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Any

from tellapart.cancel import Cancellation

_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK") if hasattr(signal, name)]

SAME = 0.5
"""Seconds within which a second signal is the same request: `timeout` signals a process, then its group."""


class Stopping:
    """While it is entered, knows whether the job was asked to stop: by a signal, or by its Cancellation.

    Signals are only seen if it is entered in the main thread. A training checks `asked` between its steps. A second
    signal ends the process at once, as if this had never been entered.
    """

    def __init__(self, cancellation: Cancellation | None = None) -> None:
        self.cancellation = cancellation or Cancellation()
        self.signal: int | None = None
        self.since = 0.0
        self.before: dict[int, Any] = {}
        self.inside = ExitStack()

    @property
    def asked(self) -> bool:
        """Whether the job was asked to stop."""
        return self.signal is not None or self.cancellation.requested

    @property
    def waited(self) -> float:
        """Seconds since the request, 0 without one."""
        if not self.asked:
            return 0.0
        return time.monotonic() - (self.since if self.signal is not None else self.cancellation.since)

    @property
    def reason(self) -> str:
        """What asked the job to stop, as in `stopped by SIGTERM`."""
        return "cancelled" if self.signal is None else f"stopped by {signal.Signals(self.signal).name}"

    @property
    def exit_code(self) -> int:
        """The exit code that a shell expects of a process that this signal ended."""
        return 128 + (self.signal or signal.SIGINT)

    def __enter__(self) -> Stopping:
        self.inside.enter_context(self.cancellation.deferred())
        if threading.current_thread() is threading.main_thread():  # Python allows handlers only there
            for number in _SIGNALS:
                # None: set by a program that embeds Python. SIG_IGN: as `nohup` asks.
                if signal.getsignal(number) not in (None, signal.SIG_IGN):
                    self.before[number] = signal.signal(number, self._take)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)
        self.inside.close()

    def _take(self, number: int, frame: FrameType | None) -> None:
        if self.signal is None:
            self.signal, self.since = number, time.monotonic()
            return
        if self.waited < SAME:
            return
        if hasattr(sys, "ps1") or "ipykernel" in sys.modules:  # at a prompt the process must survive
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

"""Cancelling a long job from another thread; the job then ends as it does after Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tellapart.errors import Stopped
from tellapart.progress import Event, Listener


class Cancellation:
    """A request to stop one job. Any thread may call `cancel`; the job sees it at its next event or training step."""

    def __init__(self) -> None:
        self._requested = threading.Event()
        self._deferred = False
        self.since = 0.0
        """The moment of the request, of time.monotonic()."""

    def cancel(self) -> None:
        """Ask the job to stop. It raises Stopped as soon as it can; a training writes a checkpoint first."""
        if not self._requested.is_set():
            self.since = time.monotonic()
            self._requested.set()

    @property
    def requested(self) -> bool:
        """Whether the job has been asked to stop."""
        return self._requested.is_set()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Within this block events do not raise: the code inside checks `requested`, and saves before it stops."""
        self._deferred = True
        try:
            yield
        finally:
            self._deferred = False

    def listener(self, on_event: Listener) -> Listener:
        """A listener that passes events on to `on_event`, and raises Stopped at the first event after a request."""

        def checked(event: Event) -> None:
            on_event(event)
            if self.requested and not self._deferred:
                raise Stopped("cancelled", "nothing was written", "start it again")

        return checked

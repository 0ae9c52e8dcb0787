"""HTTP connections of uvicorn that close in time: silent ones, those with slow or huge headers, and too many of them.

uvicorn waits for headers without end, and takes them in any size. What is overridden here is not its documented
interface, so the version is pinned, and tests/serve/test_protocol.py holds what it must do.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from tellapart.serve.limits import Limits

_REASONS = {400: "Bad Request", 408: "Request Timeout", 431: "Request Header Fields Too Large", 503: "Unavailable"}


class _TooLargeError(Exception):
    """Ends the parsing of headers."""


class Guarded(HttpToolsProtocol):
    """A connection with limits. `with_limits` makes the class that uvicorn gets."""

    limits = Limits()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first headers, or refuse the connection if there are too many."""
        super().connection_made(transport)
        self._size, self._ended, self._in_headers = 0, 0, False
        self._timer: asyncio.TimerHandle | None = None
        self._refusal: tuple[int, str] | None = None
        if len(self.connections) > self.limits.connections:
            self._end(503, "too many connections")
            return
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and end the connection if its headers grow too large."""
        if self.transport.is_closing():
            return
        ended = self._ended
        super().data_received(data)
        if self._in_headers and self._ended == ended:  # else a part of it may be the body of the request before
            self._size += len(data)
            if self._size > self.limits.header and not self.transport.is_closing():
                self._end(431, "the headers are too large")

    def on_message_begin(self) -> None:
        """Begin to wait for the headers of a request."""
        super().on_message_begin()
        self._named, self._in_headers = 0, True
        if self._timer is None:
            self._wait()

    def on_url(self, url: bytes) -> None:
        """Count the bytes of the first line."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count the bytes of a header."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Wait no more; the body has a limit of its own."""
        self._stop()
        self._size, self._in_headers = 0, False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Count the requests that came whole."""
        super().on_message_complete()
        self._ended += 1

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed, in JSON like all others."""
        self._end(*(self._refusal or (400, "this is not a valid HTTP request")))

    def _count(self, size: int) -> None:
        self._named += size
        if self._named > self.limits.header:
            self._refusal = 431, "the headers are too large"
            raise _TooLargeError

    def _wait(self) -> None:
        self._timer = self.loop.call_later(self.limits.header_seconds, self._late)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if self.cycle is None or self.cycle.response_complete:
            self._end(408, f"the headers did not arrive within {self.limits.header_seconds:g} seconds")

    def _end(self, status: int, sentence: str) -> None:
        """Write an answer and close the connection."""
        self._stop()
        if self.transport.is_closing():
            return
        body = json.dumps({"error": sentence}).encode()
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n"
        )
        again = "retry-after: 1\r\n" if status == 503 else ""
        self.transport.write(f"{head}{again}\r\n".encode() + body)
        self.transport.close()


def with_limits(limits: Limits) -> type[Any]:
    """The class of connections with some limits."""
    return type("GuardedByLimits", (Guarded,), {"limits": limits})

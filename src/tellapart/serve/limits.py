"""What a service accepts: sizes, counts and seconds, beyond which a request is refused."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Limits:
    """The limits of one process of a service. Times are in seconds, sizes in bytes.

    Attributes:
        deadline: from the arrival of a request to its answer; a client may ask for less (header X-Timeout-Seconds).
        queue: pictures that wait while others are computed. A request beyond them is refused at once.
        queue_bytes: the same for the bytes of the files that wait.
        pictures: in one request.
        pixels: of one picture, by the header of its file.
        body: of a request, after decompression too.
        body_seconds: until all of a request's body has arrived.
        header: of a request's first line and headers.
        header_seconds: until all headers have arrived, also on a connection that was just opened.
        idle_seconds: a connection without a request is kept open.
        connections: open at once.
        grace: after SIGTERM, the service says that it is not ready but accepts requests, so that load balancers notice.
        drain: after the grace, until requests that were accepted must have their answers.
    """

    deadline: float = 10.0
    queue: int = 64
    queue_bytes: int = 256 * MEBIBYTE
    pictures: int = 64
    pixels: int = 25_000_000
    body: int = 16 * MEBIBYTE
    body_seconds: float = 10.0
    header: int = 16 * 1024
    header_seconds: float = 5.0
    idle_seconds: int = 5
    connections: int = 1000
    grace: float = 5.0
    drain: float = 20.0

"""Why a request gets no prediction: a status of HTTP, and a sentence for the client."""

from __future__ import annotations

from collections.abc import Mapping


class Refusal(Exception):  # noqa: N818  # an answer like others, not a fault
    """Ends a request with a status of HTTP and a JSON body `{"error": sentence}`.

    `kind` is a word for the metrics. The sentence names nothing of this machine. `close` ends the connection too, for
    requests whose body was not read.
    """

    def __init__(
        self, status: int, sentence: str, kind: str, headers: Mapping[str, str] | None = None, *, close: bool = False
    ) -> None:
        super().__init__(status, sentence, kind)
        self.status, self.sentence, self.kind = status, sentence, kind
        self.headers = dict(headers or {}) | ({"Connection": "close"} if close else {})


def overloaded(what: str) -> Refusal:
    """The refusal of a request while the queue is full."""
    return Refusal(503, f"overloaded: {what}; try again in a second", "overloaded", {"Retry-After": "1"})


def late(seconds: float) -> Refusal:
    """The refusal of a request whose time is up."""
    return Refusal(504, f"not answered within {seconds:g} seconds", "late")

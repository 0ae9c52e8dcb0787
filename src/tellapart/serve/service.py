"""What the routes of a service share: its models, its engine, its limits, its counters, and whether it is ready."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from starlette.requests import Request

from tellapart.serve.engine import Answer, Engine, Sent, answered
from tellapart.serve.hosted import Hosted, Models
from tellapart.serve.limits import Limits
from tellapart.serve.metrics import Metrics
from tellapart.serve.refusal import Refusal

DEADLINE = "x-timeout-seconds"
"""The header with which a client asks for an earlier deadline."""


@dataclass(eq=False)
class Service:
    """A service, or one process of it. `leaving` is true once it was asked to end; it still answers then."""

    models: Models
    limits: Limits
    metrics: Metrics = field(default_factory=Metrics)
    leaving: bool = False
    engine: Engine = field(init=False)

    def __post_init__(self) -> None:
        self.engine = Engine(self.limits, self.metrics.add)
        self.metrics.name(self.models.values())

    @property
    def ready(self) -> bool:
        """Whether new requests should come: models are warm before there is a service, so only leaving ends it."""
        return not self.leaving

    async def predict(self, request: Request, model: Hosted, pictures: Sequence[Sent], arrived: float) -> list[Answer]:
        """The answers for pictures of a request whose body was read; `arrived` is a time of `time.monotonic`.

        Raises Refusal: 503 if the queue is full, 504 after the deadline.
        """
        seconds = _asked(request, self.limits.deadline)
        job = self.engine.submit(model, pictures, arrived + seconds)
        gone = asyncio.create_task(_disconnected(request))
        try:
            return await answered(self.engine, job, gone, seconds)
        finally:
            gone.cancel()


def service_of(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


def arrival(request: Request) -> float:
    """When the headers of a request had arrived: a time of `time.monotonic`."""
    return float(request.scope.get("tellapart.arrived") or time.monotonic())


def _asked(request: Request, most: float) -> float:
    """The seconds until the deadline of a request: those that its header asks for, if they are fewer."""
    text = request.headers.get(DEADLINE)
    if text is None:
        return most
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise Refusal(400, f"{DEADLINE} is not a number of seconds above 0", "deadline")
    return min(most, seconds)


async def _disconnected(request: Request) -> None:
    """Returns when the client closes the connection."""
    while True:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            return

"""The ASGI application: a request goes through `Outer`, the router, a route, and the engine.

`Outer` gives it an id, checks its token and counts it; the route reads its pictures, and the engine predicts them.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from types import ModuleType
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tellapart.serve import routes
from tellapart.serve.hosted import Models
from tellapart.serve.limits import Limits
from tellapart.serve.outer import Log, Outer, as_json, refused
from tellapart.serve.refusal import Refusal
from tellapart.serve.service import Service

REFRESH = 1.0
"""Seconds between two checks of the model files."""


def make_app(
    models: Models,
    limits: Limits | None = None,
    *,
    token: str | None = None,
    origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
    access_log: bool = False,
    log: Log = as_json,
) -> Outer:
    """The application; see `tellapart.serve_app`."""
    service = Service(models, limits or Limits())
    modules = [routes.load(name) for name in routes.names()]
    layers = [Middleware(CORSMiddleware, allow_origins=list(origins), allow_headers=["*"])] if origins else []
    inner = Starlette(
        routes=[_route(module) for module in modules],
        middleware=layers,
        exception_handlers={Refusal: _refused, HTTPException: _not_found, Exception: _failed},
        lifespan=_lifespan(service, log),
    )
    inner.state.service = service
    open_paths = frozenset(module.PATH for module in modules if getattr(module, "OPEN", False))
    return Outer(inner, service, token=token, hosts=hosts, open_paths=open_paths, log=log, every=access_log)


def _route(module: ModuleType) -> Route:
    """A route of Starlette that remembers its path for the counters."""

    class Endpoint:
        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            scope["tellapart.route"] = module.PATH
            request = Request(scope, receive, send)
            response: Response = await module.answer(request)
            await response(scope, receive, send)

    return Route(module.PATH, Endpoint(), methods=list(module.METHODS))


async def _refused(request: Request, error: Exception) -> Response:
    """The answer for a refusal by a route."""
    assert isinstance(error, Refusal)
    request.app.state.service.metrics.refused.labels(error.kind).inc()
    return refused(error, request.scope["tellapart.id"])


async def _not_found(request: Request, error: Exception) -> Response:
    """The answer for an address or a method that no route has."""
    assert isinstance(error, HTTPException)
    sentence = {404: "there is nothing at this address", 405: "this address does not answer that method"}
    refusal = Refusal(error.status_code, sentence.get(error.status_code, error.detail), "address", error.headers)
    return await _refused(request, refusal)


async def _failed(request: Request, error: Exception) -> Response:
    """The answer for a fault of the service. Starlette raises the error again afterwards, and `Outer` logs it."""
    sentence = f"internal error; the log of the service has it as {request.scope['tellapart.id']}"
    return await _refused(request, Refusal(500, sentence, "fault"))


def _lifespan(service: Service, log: Log) -> Callable[[Any], contextlib.AbstractAsyncContextManager[None]]:
    """What runs beside the requests: it checks whether model files were replaced, and ends the engine."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        watching = asyncio.create_task(_refreshed(service, log))
        try:
            yield
        finally:
            watching.cancel()
            service.engine.close()

    return lifespan


async def _refreshed(service: Service, log: Log) -> None:
    """Load model files that were replaced, every REFRESH seconds, on another thread: loading takes a moment."""
    while True:
        await asyncio.sleep(REFRESH)
        await asyncio.to_thread(service.models.refresh, lambda sentence: log({"event": "model", "message": sentence}))
        service.metrics.name(service.models.values())

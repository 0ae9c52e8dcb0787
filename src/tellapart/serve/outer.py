"""What surrounds every request: its id, its token, its counters, a line in the log, and an answer for each fault."""

from __future__ import annotations

import json
import re
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Sequence
from hmac import compare_digest
from typing import Any

from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tellapart.serve.refusal import Refusal
from tellapart.serve.service import Service

ID = "x-request-id"
_SAFE_ID = re.compile(r"[\w.:-]{1,64}")

Log = Callable[[dict[str, Any]], None]


def as_json(entry: dict[str, Any]) -> None:
    """Write an entry of the log as a line of JSON on standard error."""
    sys.stderr.write(json.dumps(entry, ensure_ascii=True) + "\n")
    sys.stderr.flush()


class Outer:
    """The outermost layer of the application."""

    def __init__(
        self, app: ASGIApp, service: Service, *, token: str | None = None, hosts: Sequence[str] = (),
        open_paths: frozenset[str] = frozenset(), log: Log = as_json, every: bool = False,
    ) -> None:  # fmt: skip
        self.app, self.service, self.token, self.hosts = app, service, token, frozenset(hosts)
        self.open_paths, self.log, self.every = open_paths, log, every

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; other kinds of connections are passed on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        await _Exchange(self, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, outer: Outer, scope: Scope, receive: Receive, send: Send) -> None:
        self.outer, self.scope, self._receive, self._send = outer, scope, receive, send
        self.headers = Headers(scope=scope)
        given = self.headers.get(ID, "")
        self.id = given if _SAFE_ID.fullmatch(given) else uuid.uuid4().hex
        self.unread = self.headers.get("content-length", "0") != "0" or "transfer-encoding" in self.headers
        self.status, self.started = 500, time.monotonic()
        scope["tellapart.arrived"], scope["tellapart.id"] = self.started, self.id

    async def run(self) -> None:
        """Answer it, whatever happens, and count it."""
        metrics = self.outer.service.metrics
        metrics.active.inc()
        try:
            self._check()
            await self.outer.app(self.scope, self.receive, self.send)
        except Refusal as refusal:
            await self._refuse(refusal)
        except Exception:  # a fault of the service: the client has got its id, and the log gets the rest
            self.outer.log({"event": "fault", "id": self.id, "trace": traceback.format_exc()})
        finally:
            metrics.active.dec()
            seconds = time.monotonic() - self.started
            route = self.scope.get("tellapart.route", "other")
            method = self.scope["method"] if self.scope["method"] in _METHODS else "other"
            metrics.requests.labels(method, route, str(self.status)).observe(seconds)
            metrics.waiting.set(self.outer.service.engine.waiting_pictures)
            if self.outer.every:
                about = {"method": method, "path": self.scope["path"], "status": self.status}
                self.outer.log({"event": "request", "id": self.id, **about, "ms": round(seconds * 1000, 2)})

    def _check(self) -> None:
        """Refuse a request without the token, or for another host."""
        host = self.headers.get("host", "").rpartition(":")[0] or self.headers.get("host", "")
        if self.outer.hosts and host.strip("[]") not in self.outer.hosts:
            raise Refusal(421, "this service does not answer for that host", "host", close=True)
        token = self.outer.token
        asks_first = self.scope["method"] == "OPTIONS"  # a browser, before a request from a page; it sends no token
        path = self.scope["path"].removeprefix(self.scope.get("root_path", ""))  # where it is mounted
        if token is None or asks_first or path in self.outer.open_paths:
            return
        kind, _, given = self.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not compare_digest(given.strip().encode(), token.encode()):
            asked = {"WWW-Authenticate": "Bearer"}
            raise Refusal(401, "this service wants a token: Authorization: Bearer ...", "token", asked, close=True)

    async def receive(self) -> Message:
        """Pass on a part of the request."""
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            self.unread = False
        return message

    async def send(self, message: Message) -> None:
        """Pass on a part of the answer, with the id. A connection whose body was not read is closed."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            extra = [(ID.encode(), self.id.encode())]
            if self.unread:
                extra.append((b"connection", b"close"))
            message = {**message, "headers": [*message.get("headers", ()), *extra]}
        await self._send(message)

    async def _refuse(self, refusal: Refusal) -> None:
        self.outer.service.metrics.refused.labels(refusal.kind).inc()
        await refused(refusal, self.id)(self.scope, self.receive, self.send)


_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))


def refused(refusal: Refusal, request_id: str) -> Response:
    """The answer for a refusal."""
    content = {"error": refusal.sentence, "request_id": request_id}
    return JSONResponse(content, refusal.status, refusal.headers)

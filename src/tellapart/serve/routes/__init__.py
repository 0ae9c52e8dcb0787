"""The routes of the service: each file is one. A new one is a new file.

A route is a module whose docstring's first line says what it does, with

    PATH                                its path, with parameters in braces
    METHODS                             the methods of HTTP that it answers
    OPEN = True                         if it needs no token (optional)
    async def answer(request)           the response; raises Refusal

`service_of(request)` has the models, the engine, the limits and the counters. Every answer for a fault is JSON with the
key `error`. tests/contracts/test_routes.py tests every file in this folder.
"""

from __future__ import annotations

from types import ModuleType

from tellapart import leaves


def names() -> tuple[str, ...]:
    """The names of all routes."""
    return leaves.names(__name__)


def load(name: str) -> ModuleType:
    """Import the module of a route."""
    return leaves.load(__name__, name, "a route")

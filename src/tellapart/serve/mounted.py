"""The service as an ASGI application for other servers; can be imported without the libraries of the extra `serve`."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tellapart.classifier.classifier import Classifier
from tellapart.errors import UsageError
from tellapart.text import listed

if TYPE_CHECKING:
    from tellapart.serve.limits import Limits

NEEDED = ("starlette", "uvicorn", "httptools", "python_multipart", "prometheus_client")


def serve_app(
    models: Mapping[str, Classifier],
    *,
    limits: Limits | None = None,
    token: str | None = None,
    origins: Sequence[str] = (),
    hosts: Sequence[str] = (),
    access_log: bool = False,
    log: Callable[[dict[str, Any]], None] | None = None,
) -> Any:
    """An ASGI application that answers with some models, for a server of your own, or a mount in an application.

    `models` are classifiers by name; the first one answers where a request names none. `token` is wanted in the header
    Authorization of all requests but probes; pages of `origins` may ask from a browser; `hosts`, if any, are the names
    that requests must be for. `log` gets each fault, and with `access_log` each request, as a dictionary; without it
    they are lines of JSON on standard error. Raises UsageError without the extra `serve`.
    """
    check_installed()
    from tellapart.serve.app import make_app
    from tellapart.serve.hosted import Hosted, Models, warmed
    from tellapart.serve.outer import as_json

    hosted = Models([warmed(Hosted(name, "", classifier)) for name, classifier in models.items()])
    return make_app(
        hosted, limits, token=token, origins=origins, hosts=hosts, access_log=access_log, log=log or as_json
    )


def check_installed() -> None:
    """Raise UsageError without the libraries of the extra."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(
            f"serve: {listed(missing)} {'is' if len(missing) == 1 else 'are'} not installed",
            "the libraries of the extra serve",
            "pip install 'tellapart[serve]'",
        )

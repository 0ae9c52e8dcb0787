"""Serve models over HTTP: a service that answers with predictions, from one command and the model files."""

from __future__ import annotations

import os
import re
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted, listed
from tellapart.verbs import Record, argument
from tellapart.verbs._runs import find_model

if TYPE_CHECKING:
    from tellapart.serve.hosted import ModelPlace
    from tellapart.serve.server import Settings

TOKEN = "TELLAPART_TOKEN"  # noqa: S105  # the name of a variable
"""The environment variable with the token: unlike an option, it is not in the list of processes."""

MOST_WORKERS = 8

_NAMED = re.compile(r"([\w.-]+)=(.+)")


class Options(Record):
    """The options of serve."""

    models: list[str] = argument(
        description='Model files, run folders, names of runs, or "last"; NAME=FILE gives a model another name.'
    )
    host: str = Field("127.0.0.1", description="Address to listen at; 0.0.0.0 is all of this machine's.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen at; 0 takes a free one.")
    workers: int | None = Field(
        None, ge=1, le=64, description="Processes that answer; default: one per processor, at most 8."
    )
    token: str | None = Field(
        None, min_length=8,
        description="Token that requests must have, as in Authorization: Bearer TOKEN; probes need none. Default: the "
        "environment variable TELLAPART_TOKEN, if it is set.",
    )  # fmt: skip
    deadline: float = Field(
        10.0, gt=0, le=600, description="Seconds until a request must have its answer; later it gets status 504."
    )
    queue: int = Field(64, ge=1, le=100_000, description="Pictures per process that may wait; others get status 503.")
    grace: float = Field(
        5.0, ge=0, le=600,
        description="Seconds after SIGTERM in which requests are still accepted, so that load balancers can notice.",
    )  # fmt: skip
    cors: list[str] = Field(
        default_factory=list, description="Origin of pages that may ask from a browser; may be repeated."
    )
    tls_cert: Path | None = Field(None, description="PEM file with the certificate, for HTTPS.")
    tls_key: Path | None = Field(None, description="PEM file with the certificate's private key.")
    access_log: bool = Field(False, description="Write a line of JSON for each request to standard error.")

    instead = {"bind": "--host", "num-workers": "--workers", "timeout": "--deadline", "api-key": "--token"}  # noqa: RUF012


@dataclass(frozen=True)
class Served:
    """A service that has ended: where it answered, its models, and for how many seconds."""

    url: str
    models: tuple[str, ...]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The fields by name, for machines."""
        return {"url": self.url, "models": list(self.models), "seconds": round(self.seconds, 1)}

    def __str__(self) -> str:
        return f"stopped after {self.seconds:.0f} s"


def run(options: Options, on_event: Listener) -> Served:
    """Serves until SIGTERM or Ctrl-C; then returns where it was.

    Raises UsageError for an address that cannot be used, or without the extra `serve`; ModelFileError for a file that
    is not a model.
    """
    if sys.platform == "win32":  # which has no signal for an orderly end
        raise UsageError("serve on Windows", "Linux or macOS", "use tellapart.serve_app in a server of your own")
    from tellapart.serve.mounted import check_installed
    from tellapart.serve.server import bound, serve

    check_installed()

    settings = _settings(options)
    with bound(settings.host, settings.port) as on:
        started, url = time.monotonic(), _url(settings, on)
        names = tuple(place.name for place in settings.places)

        def loaded() -> None:
            processes = counted(settings.workers, "process", "processes")
            models = f"{counted(len(names), 'model')} ({listed(names)})"
            on_event(Note(f"serving {models} on {processes} at {url}; stop with Ctrl-C"))
            on_event(Note(f"try: curl --data-binary @PICTURE {url}/predict"))
            if not settings.hosts and settings.token is None:
                warning = "note: everyone who can reach this address can use the service; --token TOKEN prevents that"
                on_event(Note(warning, warning=True))

        serve(settings, on, loaded)
    return Served(url, names, time.monotonic() - started)


def _settings(options: Options) -> Settings:
    """What the options ask for, with defaults for this machine. Raises UsageError."""
    from tellapart.parallel import cores
    from tellapart.serve.limits import Limits
    from tellapart.serve.server import Settings

    if (options.tls_cert is None) != (options.tls_key is None):
        raise UsageError("one of --tls-cert and --tls-key", "both, or none", "")
    for path in (options.tls_cert, options.tls_key):
        if path is not None and not path.is_file():
            raise UsageError(f"{path}: does not exist", "a PEM file", "")
    return Settings(
        places=_places(options.models),
        host=options.host,
        port=options.port,
        workers=options.workers or min(MOST_WORKERS, cores()),
        limits=Limits(deadline=options.deadline, queue=options.queue, grace=options.grace),
        token=options.token or os.environ.get(TOKEN) or None,
        origins=tuple(options.cors),
        certificate=options.tls_cert,
        key=options.tls_key,
        access_log=options.access_log,
    )


def _places(models: list[str]) -> tuple[ModelPlace, ...]:
    """The files of the models and their names: as given, or that of the run or of the file. Raises UsageError."""
    from tellapart.serve.hosted import ModelPlace

    places = []
    for text in models:
        named = _NAMED.fullmatch(text)
        name, where = named.groups() if named and not os.path.exists(text) else (None, text)  # noqa: PTH110
        found = Path(find_model(where))
        path = found / "model.keras" if found.is_dir() else found
        usual = path.parent.name if path.name == "model.keras" and path.parent.name else path.stem
        places.append(ModelPlace(name or re.sub(r"[^\w.-]+", "-", usual), path.absolute()))
    if twice := [place.name for i, place in enumerate(places) if place.name in {one.name for one in places[:i]}]:
        raise UsageError(f"two models are called {twice[0]!r}", "different names", "name them: NAME=FILE")
    return tuple(places)


def _url(settings: Settings, on: socket.socket) -> str:
    """The address of the service."""
    host, port = on.getsockname()[:2]
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

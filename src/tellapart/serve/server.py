"""Run the service: one process, or several that share the socket under one that replaces those that end.

A process listens only once its models are warm. SIGTERM first makes it say that it is not ready, while it still
answers for the grace that load balancers need; then it accepts no more, answers what it has accepted, and ends with
exit code 0. A process of several also ends when the one above it is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

from tellapart.errors import UsageError
from tellapart.serve import COUNTERS
from tellapart.serve.hosted import ModelPlace, Models, load_hosted
from tellapart.serve.limits import Limits

LOOPBACK = ("127.0.0.1", "localhost", "::1")

BACKLOG = 512
"""Connections that the system keeps until the service takes them."""

AGAIN = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds before a process is replaced, by how many ended within a minute: the first one at once."""


@dataclass(frozen=True)
class Settings:
    """How to serve. `certificate` and `key` are PEM files for TLS; `places` are the model files."""

    places: tuple[ModelPlace, ...]
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    limits: Limits = field(default_factory=Limits)
    token: str | None = None
    origins: tuple[str, ...] = ()
    certificate: Path | None = None
    key: Path | None = None
    access_log: bool = False

    @property
    def hosts(self) -> tuple[str, ...]:
        """The names that requests may be for: a page elsewhere must not reach a service on this machine."""
        return LOOPBACK if self.host in LOOPBACK else ()


def bound(host: str, port: int) -> socket.socket:
    """A socket that listens later. Raises UsageError if the address is taken, or not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UsageError(
            f"{host}, port {port}: cannot be used ({reason})",
            "an address of this machine and a free port",
            "use another --port; 0 takes a free one",
        ) from error
    made.set_inheritable(True)
    return made


def serve(settings: Settings, on: socket.socket, loaded: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or Ctrl-C; calls `loaded` once the model files turn out to be good, before it listens.

    Raises ModelFileError for one that is not a model.
    """
    if settings.workers == 1:
        _work(settings, on, loaded)
        return
    for place in settings.places:  # a process that cannot load one would only end, again and again
        load_hosted(place)
    loaded()
    _supervise(settings, on)


def _work(settings: Settings, on: socket.socket, loaded: Callable[[], None] = lambda: None) -> None:
    """One process: load the models, then listen."""
    import uvicorn

    from tellapart.serve.app import make_app

    class Server(uvicorn.Server):
        """uvicorn's, without its own handling of signals, which ends at once and with the signal's exit code."""

        @contextlib.contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    models = Models([load_hosted(place) for place in settings.places], list(settings.places))
    loaded()
    app: Any = make_app(
        models,
        settings.limits,
        token=settings.token,
        origins=settings.origins,
        hosts=settings.hosts,
        access_log=settings.access_log,
    )
    server = Server(_config(settings, app))

    async def run() -> None:
        loop = asyncio.get_running_loop()

        def leave() -> None:
            if not app.service.leaving:
                app.service.leaving = True
                loop.call_later(settings.limits.grace, end)

        def end() -> None:
            app.service.leaving = server.should_exit = True

        loop.add_signal_handler(signal.SIGTERM, leave)
        loop.add_signal_handler(signal.SIGINT, end)
        above = multiprocessing.parent_process()
        if above is not None:
            loop.add_reader(above.sentinel, end)
        await server.serve(sockets=[on])

    asyncio.run(run())


def _config(settings: Settings, app: Any) -> Any:
    """The settings of uvicorn: our connections and limits, and no log of its own."""
    import uvicorn

    from tellapart.serve.protocol import with_limits

    limits = settings.limits
    return uvicorn.Config(
        app,
        http=with_limits(limits),
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_level="critical",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=round(limits.drain),
        ssl_certfile=settings.certificate,
        ssl_keyfile=settings.key,
    )


def _worker(settings: Settings, on: socket.socket) -> SpawnProcess:
    """A process of several, which was started."""
    process = multiprocessing.get_context("spawn").Process(target=_work, args=(settings, on), name="tellapart-serve")
    process.start()
    return process


def _supervise(settings: Settings, on: socket.socket) -> None:
    """Start the processes, replace those that end, and pass signals on."""
    with _counted_together() as folder:
        asked: list[int] = []
        before = {number: signal.signal(number, lambda number, frame: asked.append(number)) for number in _SIGNALS}
        workers = [_worker(settings, on) for _ in range(settings.workers)]
        ended: list[float] = []
        try:
            while not asked:
                wait([worker.sentinel for worker in workers], timeout=0.2)
                for place, worker in enumerate(workers):
                    if worker.is_alive() or asked:
                        continue
                    now = time.monotonic()
                    ended = [*(then for then in ended if now - then < 60), now]
                    _report(worker, folder)
                    again = now + AGAIN[min(len(ended), len(AGAIN)) - 1]
                    while time.monotonic() < again and not asked:
                        time.sleep(0.05)
                    workers[place] = _worker(settings, on)
        finally:
            _end(workers, settings.limits, signal.SIGINT if signal.SIGINT in asked else signal.SIGTERM)
            for number, handler in before.items():
                signal.signal(number, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextlib.contextmanager
def _counted_together() -> Iterator[Path]:
    """A folder through which the counters of all processes are added, while they run."""
    folder = Path(tempfile.mkdtemp(prefix="tellapart-serve-"))
    os.environ[COUNTERS] = str(folder)
    try:
        yield folder
    finally:
        del os.environ[COUNTERS]
        shutil.rmtree(folder, ignore_errors=True)


def _report(worker: SpawnProcess, folder: Path) -> None:
    """Say that a process ended, and forget what it counted at that time."""
    from tellapart.serve.metrics import forget
    from tellapart.serve.outer import as_json

    assert worker.pid is not None
    as_json({"event": "process ended", "pid": worker.pid, "exit": worker.exitcode})
    forget(folder, worker.pid)


def _end(workers: Sequence[SpawnProcess], limits: Limits, number: int) -> None:
    """Pass a signal on, and wait until all have ended; those that do not are killed."""
    for worker in workers:
        if worker.is_alive() and worker.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(worker.pid, number)
    until = time.monotonic() + limits.grace + limits.drain + 2
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
        if worker.is_alive():
            worker.kill()
            worker.join()

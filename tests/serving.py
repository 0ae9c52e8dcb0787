"""A service in a process of its own, for tests: started with some limits, asked, and ended."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import requests

PROGRAM = """
import sys
from dataclasses import replace
from pathlib import Path
from tellapart.serve.hosted import ModelPlace
from tellapart.serve.limits import Limits
from tellapart.serve.server import Settings, bound, serve

if __name__ == "__main__":
    models, limits, others = map(eval, sys.argv[1:])
    places = tuple(ModelPlace(name, Path(path)) for name, path in models.items())
    settings = Settings(places, port=0, limits=replace(Limits(grace=0.2), **limits), **others)
    with bound(settings.host, settings.port) as on:
        print(on.getsockname()[1], flush=True)
        serve(settings, on)
"""


class Running:
    """A service that runs: where it is, and what it has logged."""

    def __init__(self, process, port, log):
        self.process, self.port, self._log = process, port, log
        self.url = f"http://127.0.0.1:{port}"

    def log(self):
        return [json.loads(line) for line in self._log.read_text().splitlines() if line.startswith("{")]

    def wait_until_ready(self, seconds=60):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            assert self.process.poll() is None, self._log.read_text()
            try:
                if requests.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise AssertionError(f"not ready after {seconds} s: {self._log.read_text()}")

    def ask(self, data, **options):
        return requests.post(f"{self.url}/predict", data=data, timeout=30, **options)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def stop(self, number=signal.SIGTERM):
        """End it; returns the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(60)


@contextmanager
def served(folder, models, limits=None, **others):
    """A service with models by name, which is ready; `others` are fields of Settings."""
    program, log = Path(folder, "service.py"), Path(folder, "service.log")
    program.write_text(PROGRAM)
    words = [repr({name: str(path) for name, path in models.items()}), repr(limits or {}), repr(others)]
    environment = {name: value for name, value in os.environ.items() if name != "PROMETHEUS_MULTIPROC_DIR"}
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, str(program), *words], stdout=subprocess.PIPE, stderr=errors, text=True, env=environment
        )
    try:
        running = Running(process, int(process.stdout.readline() or 0), log)
        running.wait_until_ready()
        yield running
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()


def counters(running):
    """The counters of a service by their line."""
    text = requests.get(f"{running.url}/metrics", timeout=10).text
    lines = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in lines}

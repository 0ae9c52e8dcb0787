"""Run benchmarks and keep their results: one JSON line per measurement in results/<table>.jsonl."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tellapart.training.machine import machine, now, versions

HERE = Path(__file__).parent
FOLDER = HERE / "results"


def record(table: str, metrics: dict[str, Any]) -> None:
    """Append a measurement, with the time, the machine and the versions."""
    FOLDER.mkdir(exist_ok=True)
    line = {"when": now(), "machine": machine(), "versions": versions()} | metrics
    with (FOLDER / f"{table}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def redraw() -> None:
    """Draw the pages again, in a process of its own: results.py imports the benchmarks, so they cannot import it."""
    subprocess.run([sys.executable, str(HERE / "results.py")], check=True)


def lines(table: str) -> list[dict[str, Any]]:
    """All measurements of a table, the oldest first."""
    path = FOLDER / f"{table}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def current(measurements: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest measurement of each kind and seed, of those on the machine of the last measurement."""
    kind = ("processor", "cores")
    last = measurements[-1]["machine"]
    mine = [line for line in measurements if all(line["machine"][name] == last[name] for name in kind)]
    newest = {tuple(line.get(name) for name in ("case", "name", "recipe", "photos", "seed")): line for line in mine}
    return [line for line in mine if any(line is kept for kept in newest.values())]


def timed(command: list[str], finds: bool = False, **environment: str) -> tuple[float, str]:
    """Run a command. Returns its seconds and its stdout.

    Raises CalledProcessError for an exit status other than 0, or 1 if the command `finds` something.
    """
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    if done.returncode not in ((0, 1) if finds else (0,)):
        raise subprocess.CalledProcessError(done.returncode, command)
    return time.monotonic() - began, done.stdout


def arguments(about: str | None) -> argparse.ArgumentParser:
    """The options that every benchmark has: the seeds, by default three."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    return parser


def tellapart(*words: str) -> list[str]:
    """The command line of this environment's tellapart."""
    return [sys.executable, "-m", "tellapart", *words]

"""Where figures go: a JSON line a measurement in results/<table>.jsonl, from which docs/benchmarks.md is drawn.

python benchmarks/results.py        # draw the page anew
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tellapart.training.machine import machine, now, versions

HERE = Path(__file__).parent
FOLDER = HERE / "results"
PAGE = HERE.parent / "docs" / "benchmarks.md"
RELIABILITY, TUTORIALS = PAGE.with_name("reliability.md"), PAGE.with_name("tutorials.md")
TABLES = ("training", "prediction", "startup", "reading", "streaming", "check", "hostile", "ablation")
"""Each is a module here with `section(lines) -> str`, and a command that appends to its lines."""

HEAD = """# Benchmarks

Drawn by `python benchmarks/results.py` from `benchmarks/results/`; each table names the command that measures it.
The machines are shared, and their speed changes by half from one hour to the next: a ratio is printed only of what ran
one after the other on the same machine. Figures are means over seeds with the lowest and the highest in brackets. Stock
Keras computes in float32, as it does unless told otherwise; tellapart's precision is its own choice, see recipes.md.

Keras's `fit` on TensorFlow waits for a thread of tf.data at the end of some epochs, up to half a minute each; times of
stock Keras hold such waits (images a second, which are the median epoch's, do not). tellapart feeds `fit` in another
way (`feed` in src/tellapart/networks/backend.py), and does not wait.

Not measured: a GPU. None was at hand; on JAX, which would drive one, the test suite trains `quick` on the processor
(tests/test_backends.py).
"""

NOTHING = """No figures have been recorded yet. `python benchmarks/training.py mnist`, `prediction.py`, `startup.py`,
`reading.py`, `check.py` and `ablation.py` record them.
"""


def record(table: str, metrics: dict[str, Any]) -> None:
    """Append a measurement."""
    FOLDER.mkdir(exist_ok=True)
    line = {"when": now(), "machine": machine(), "versions": versions()} | metrics
    with (FOLDER / f"{table}.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def lines(table: str) -> list[dict[str, Any]]:
    """All measurements of a table."""
    path = FOLDER / f"{table}.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def current(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The newest measurement of each kind and seed, of those on the machine that was measured last."""
    kind = ("processor", "cores")
    mine = [line for line in found if all(line["machine"][name] == found[-1]["machine"][name] for name in kind)]
    newest = {tuple(line.get(name) for name in ("case", "name", "recipe", "photos", "seed")): line for line in mine}
    return [line for line in mine if any(line is one for one in newest.values())]


def spread(values: Iterable[float], form: str = ".1f") -> str:
    """Mean and range, `12.3 (11.9 to 12.8)`; one value alone as it is."""
    found = list(values)
    if not found:
        return "-"
    mean = format(statistics.fmean(found), form)
    return mean if len(found) == 1 else f"{mean} ({format(min(found), form)} to {format(max(found), form)})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def where(found: list[dict[str, Any]]) -> str:
    """Machine, versions and days of some measurements, in a line."""
    machines = sorted({f"{line['machine']['cores']} cores of {line['machine']['processor']}" for line in found})
    kerases = sorted({f"Keras {line['versions']['keras']}" for line in found})
    days = sorted({line["when"][:10] for line in found})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    runtime = f"ONNX Runtime {found[-1]['versions']['onnxruntime']}"
    return f"Measured on {', '.join(machines)}, {', '.join(kerases)}, {runtime}, {span}."


def timed(command: list[str], finds: bool = False, **environment: str) -> tuple[float, str]:
    """Run a command, which may exit with 1 where it `finds` something; its seconds in all, and its stdout."""
    began = time.monotonic()
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, env=os.environ | environment)
    if done.returncode not in ((0, 1) if finds else (0,)):
        raise subprocess.CalledProcessError(done.returncode, command)
    return time.monotonic() - began, done.stdout


def arguments(about: str | None) -> argparse.ArgumentParser:
    """What every benchmark may be asked: the seeds, three unless told."""
    parser = argparse.ArgumentParser(description=(about or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    return parser


def tellapart(*words: str) -> list[str]:
    """The command line of this environment's tellapart."""
    return [sys.executable, "-m", "tellapart", *words]


def page() -> str:
    """The page, from what was measured."""
    sections = [importlib.import_module(name).section(current(lines(name))) for name in TABLES if lines(name)]
    return "\n".join([HEAD, *(sections or [NOTHING])])


def pages() -> dict[Path, str]:
    """The pages, from what was measured."""
    found = {PAGE: page()}
    if lines("reliability"):
        found[RELIABILITY] = importlib.import_module("scorecard").page(lines("reliability"))
    if lines("tutorials"):
        found[TUTORIALS] = importlib.import_module("tutorials").page(lines("tutorials"))
    return found


def draw() -> None:
    """Write the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        old = [path.name for path, text in pages().items() if path.read_text(encoding="utf-8") != text]
        sys.exit(f"{', '.join(old)}: not what results/ says" if old else 0)
    draw()

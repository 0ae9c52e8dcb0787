"""Describe this installation and machine: what a bug report begins with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from pydantic import Field

from tellapart.progress import Listener
from tellapart.text import counted, duration, file_size, terminal_width, wrapped
from tellapart.verbs import Record
from tellapart.verbs._runs import RUNS, run_folders

SCARCE = 2 * 10**9
"""Free bytes on a disk below which a training may not fit."""

BACKENDS = ("tensorflow", "tensorflow-cpu", "jax", "torch")
"""Packages that are not all required: one of them is enough."""

VARIABLES = re.compile(r"TELLAPART_|KERAS_|TF_(?!CLI_)|XLA_|JAX_|CUDA_VISIBLE|OMP_NUM|ORT_|LC_ALL$|LANG$|PYTHONPATH$")
"""Environment variables that change how tellapart works."""


class Options(Record):
    """The options of doctor."""

    runs: Path = Field(RUNS, description="Folder of the runs, whose disk is described.")
    backend: bool = Field(
        False, description="Also start Keras and its backend, and list the devices that it sees; takes some seconds."
    )


@dataclass(frozen=True)
class Fact:
    """One fact: its value for machines, its words for people, and what is wrong with it, if anything."""

    section: str
    name: str
    value: Any
    words: str = ""
    problem: str = ""


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """Facts about an installation and the machine, in the order of printing."""

    facts: tuple[Fact, ...]

    @property
    def problems(self) -> list[str]:
        """What is wrong, one sentence each."""
        return [fact.problem for fact in self.facts if fact.problem]

    @property
    def exit_code(self) -> int:
        """1 if something is wrong, else 0."""
        return 1 if self.problems else 0

    def to_dict(self) -> dict[str, Any]:
        """The facts by section and name, and the problems, for machines."""
        sections: dict[str, Any] = {}
        for fact in self.facts:
            sections.setdefault(fact.section, {})[fact.name] = fact.value
        return sections | {"problems": self.problems}

    def __str__(self) -> str:
        section, width = "", terminal_width()
        lines: list[str] = []
        longest = max(len(fact.name) for fact in self.facts)
        for fact in self.facts:
            if fact.section != section:
                section = fact.section
                lines += ["", section] if lines else [section]
            words = fact.words or ("-" if fact.value is None else str(fact.value))
            lines.append(wrapped(f"  {fact.name.ljust(longest)}  {words}", width, " " * (longest + 4)))
        problems = [wrapped(f"problem: {problem}", width) for problem in self.problems]
        return "\n".join([*lines, "", *(problems or ["no problems found"])])

    def __repr__(self) -> str:
        return f"<Diagnosis: {counted(len(self.facts), 'fact')}, {counted(len(self.problems), 'problem')}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def run(options: Options, on_event: Listener) -> Diagnosis:
    """Returns the facts. What cannot be determined is among them, with the reason; nothing is raised."""
    sections: list[tuple[str, Callable[[], Iterator[Fact]]]] = [
        ("program", _program),
        ("libraries", _libraries),
        ("machine", _machine),
        ("backend", lambda: _backend(options.backend)),
        ("disk", lambda: _disk(options.runs)),
        ("caches", _caches),
        ("data sets", _data_sets),
    ]
    return Diagnosis(tuple(fact for name, section in sections for fact in _guarded(name, section)))


def _guarded(name: str, section: Callable[[], Iterator[Fact]]) -> Iterator[Fact]:
    """The facts of a section. An error ends the section and becomes one of its facts."""
    try:
        yield from section()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        yield Fact(name, "not determined", reason, problem=f"the section '{name}' could not be determined ({reason})")


def _program() -> Iterator[Fact]:
    yield Fact("program", "tellapart", _version("tellapart"))
    yield Fact("program", "python", platform.python_version(), f"{platform.python_version()}, {platform.machine()}")
    yield Fact("program", "system", platform.platform())
    encoding = getattr(sys.stdout, "encoding", None)
    yield Fact("program", "terminal", {"encoding": encoding, "width": terminal_width()}, str(encoding))
    variables = {name: value for name, value in sorted(os.environ.items()) if VARIABLES.match(name)}
    yield Fact(
        "program", "environment", variables, " ".join(f"{name}={value}" for name, value in variables.items()) or "-"
    )


def _libraries() -> Iterator[Fact]:
    """The versions of the libraries that tellapart requires, and of the backends."""
    names = [match[0] for line in requires("tellapart") or [] if "extra ==" not in line
             if (match := re.match(r"[A-Za-z0-9._-]+", line))]  # fmt: skip
    backend = [name for name in BACKENDS if _version(name)]
    for name in [*sorted(set(names) - set(BACKENDS)), *backend]:
        installed = _version(name)
        problem = "" if installed else f"the library {name} is missing: install tellapart again"
        yield Fact("libraries", name, installed, installed or "missing", problem)
    if not backend:
        yield Fact("libraries", "backend", None, "missing", "no backend of Keras is installed: pip install tensorflow")


def _machine() -> Iterator[Fact]:
    from tellapart import memory
    from tellapart.parallel import cores
    from tellapart.training.machine import processor

    yield Fact("machine", "processor", processor())
    limit = memory.processors()
    allowed = f" (the container allows {limit:g})" if limit is not None else ""
    yield Fact("machine", "cores", cores(), f"{cores()}{allowed}")
    total, free, container = memory.total(), memory.available(), memory.container_limit()
    words = ", ".join(f"{file_size(number)} {name}" for name, number in (
        ("in all", total), ("limit of the container", container), ("free for this process", free),
    ) if number is not None)  # fmt: skip
    yield Fact("machine", "memory", {"total": total, "container_limit": container, "available": free}, words)
    yield _bfloat16()
    driver = _first_line(Path("/proc/driver/nvidia/version"))
    words = f"NVIDIA driver: {driver}" if driver else "no NVIDIA driver is loaded"
    yield Fact("machine", "gpu driver", driver, words if sys.platform == "linux" else "not determined on this system")


def _bfloat16() -> Fact:
    """Whether the processor has bfloat16, and what trainings have measured."""
    from tellapart.training import measured

    try:
        supported = "bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        supported = None
    gains = {name: value for name, value in measured._all().items() if name.startswith("bfloat16: ")}
    words = {True: "supported by the processor", False: "not supported by the processor", None: "not known"}[supported]
    speeds = [value for value in gains.values() if isinstance(value, (int, float))]
    if speeds:
        words += (
            f"; measured in {counted(len(speeds), 'training')}: {min(speeds):.1f} to {max(speeds):.1f} times as fast"
        )
    return Fact("machine", "bfloat16", {"supported": supported, "measured": gains}, words)


def _backend(start: bool) -> Iterator[Fact]:
    name = os.environ.get("KERAS_BACKEND") or "tensorflow"
    packages = {"tensorflow": ("tensorflow", "tensorflow-cpu"), "jax": ("jax",), "torch": ("torch",)}.get(name)
    problem = "" if packages else f"KERAS_BACKEND={name} is not a backend of Keras: use tensorflow, jax or torch"
    if packages and not any(map(_version, packages)):
        problem = f"the backend {name} is not installed"
    yield Fact("backend", "name", name, problem=problem)
    if not start:
        yield Fact("backend", "devices", None, "not looked up; --backend starts Keras and lists them")
        return
    import time

    started = time.monotonic()
    from tellapart.networks import backend

    yield Fact("backend", "version", backend.describe())
    devices = backend.devices()
    yield Fact("backend", "devices", devices, ", ".join(devices))
    yield Fact("backend", "accelerator", backend.has_accelerator(), "yes" if backend.has_accelerator() else "no")
    seconds = time.monotonic() - started
    yield Fact("backend", "start", round(seconds, 3), f"took {duration(seconds)}")


def _disk(runs: Path) -> Iterator[Fact]:
    from tellapart.data.datasets import cache_folder

    for name, place in (("runs", runs), ("cache", cache_folder())):
        there = next(path for path in (place.absolute(), *place.absolute().parents) if path.is_dir())
        free, writable = shutil.disk_usage(there).free, os.access(there, os.W_OK)
        problem = f"{_home(place)} is not writable" if not writable else ""
        problem = problem or (f"the disk of {_home(place)} has only {file_size(free)} free" if free < SCARCE else "")
        count = f", {counted(len(run_folders(runs)), 'run')}" if name == "runs" else ""
        words = f"{_home(place)}: {file_size(free)} free{'' if writable else ', not writable'}{count}"
        yield Fact("disk", name, {"path": str(place), "free": free, "writable": writable}, words, problem)


def _caches() -> Iterator[Fact]:
    """The caches with their sizes."""
    from tellapart.data.datasets import cache_folder

    folder = cache_folder()
    kept = os.environ.get("TELLAPART_KEEP_PICTURES") != "0"
    size, files = _size(folder / "prepared")
    words = f"{file_size(size)} in {counted(files, 'file')}{'' if kept else '; off by TELLAPART_KEEP_PICTURES=0'}"
    yield Fact("caches", "prepared pictures", {"bytes": size, "files": files, "on": kept}, words)
    others = sorted(path for path in folder.iterdir() if path.name != "prepared") if folder.is_dir() else []
    for path in others:
        size, files = _size(path)
        words = f"{file_size(size)} in {counted(files, 'file')}"
        yield Fact("caches", path.name, {"bytes": size, "files": files}, words)


def _data_sets() -> Iterator[Fact]:
    """The data sets by name that can be read without a download."""
    from tellapart.data import datasets

    home = os.environ.get("TELLAPART_DATA")
    problem = f"TELLAPART_DATA={home} is not a folder" if home and not Path(home).is_dir() else ""
    yield Fact("data sets", "TELLAPART_DATA", home, "not set" if home is None else _home(Path(home)), problem)
    missing = []
    for name in datasets.names():
        if datasets.is_here(name):
            where = datasets.where(name)
            yield Fact("data sets", name, where, _home(Path(where)) if os.path.isabs(where) else where)  # noqa: PTH117
        else:
            missing.append(name)
    if missing:
        yield Fact("data sets", "not here", missing, f"{', '.join(missing)} (downloaded on first use)")


def _size(path: Path) -> tuple[int, int]:
    """Bytes and number of the files in a folder, or of a file."""
    if path.is_file():
        return path.stat().st_size, 1
    sizes = []
    for folder, _, files in os.walk(path):
        for name in files:
            try:
                sizes.append((Path(folder) / name).stat().st_size)
            except OSError:  # removed in the meantime
                continue
    return sum(sizes), len(sizes)


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _home(path: Path) -> str:
    """A path with `~` for the home folder, whose name a bug report need not have."""
    try:
        return str(Path("~") / path.relative_to(Path.home()))
    except (ValueError, RuntimeError):
        return str(path)


def _first_line(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").splitlines()[0].strip()
    except (OSError, IndexError, ValueError):
        return None

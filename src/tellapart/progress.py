"""Events that long work emits, and listeners that print them."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO

NOTICEABLE = 1.0
"""Seconds of compiling from which an epoch's duration names them."""

COMPILE = "compile the training step"
"""The task whose progress cannot be measured: it starts with 0 of 1 steps and ends with 1."""


COLUMNS = (("loss", "loss"), ("accuracy", "accuracy"), ("val loss", "val_loss"), ("val accuracy", "val_accuracy"))
"""Titles of the columns of a table of epochs, and the metrics in them."""


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the user: a decision and its reason, or, with `warning`, something that the user must see.

    A terminal shows decisions only with --verbose; a pipe, a log and run.json have all notes.
    """

    text: str
    warning: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` units of a task (None: unknown total), with the current `metrics` by name."""

    task: str
    done: int
    total: int | None
    unit: str = "pictures"
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether this is the last event of the task."""
        return self.total is not None and self.done >= self.total


@dataclass(frozen=True, slots=True)
class Epoch:
    """The end of epoch `number` (from 1) of `total`, with its row of history.csv.

    `best` is the best epoch so far, None if not known. `compiling` is how many of its seconds went into compiling.
    """

    number: int
    total: int
    metrics: Mapping[str, float]
    best: int | None = None
    compiling: float = 0.0

    @property
    def duration(self) -> str:
        """How long it took, and how much of that was spent on compiling: `7.8 s, 7.0 to compile`."""
        seconds = f"{self.metrics.get('seconds', 0):.1f} s"
        return f"{seconds}, {self.compiling:.1f} to compile" if self.compiling >= NOTICEABLE else seconds

    def __str__(self) -> str:
        shown = " ".join(
            f"{name} {self.metrics[name]:.4f}"
            for name in ("loss", "accuracy", "val_loss", "val_accuracy")
            if name in self.metrics
        )
        return f"epoch {self.number}/{self.total}  {shown}  {self.duration}"


Event = Note | Progress | Epoch
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Ignore an event."""


class Rate:
    """Computes units per second and remaining seconds from the events of one task."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.first: int | None = None

    def of(self, event: Progress) -> tuple[float, float | None]:
        """Units per second since the first event (0 if unknown), and the remaining seconds (None if unknown)."""
        if self.first is None:
            self.started, self.first = time.monotonic(), event.done
        passed = time.monotonic() - self.started
        rate = (event.done - self.first) / passed if passed > 0 else 0.0
        left = (event.total - event.done) / rate if event.total is not None and rate > 0 else None
        return rate, left


class PlainLines:
    """Writes events as lines of text: all notes and epochs, and the progress of a task every `every` seconds."""

    def __init__(self, stream: TextIO | None = None, every: float = 5.0) -> None:
        self.stream, self.every = stream, every
        self.rates: dict[str, tuple[Rate, float]] = {}

    def __call__(self, event: Event) -> None:
        """Write one event."""
        if isinstance(event, Note):
            self._write(event.text)
        elif isinstance(event, Epoch):
            self._write(str(event))
        elif event.task != COMPILE:
            self._progress(event)

    def _progress(self, event: Progress) -> None:
        rate, printed = self.rates.get(event.task) or (Rate(), time.monotonic())
        speed, left = rate.of(event)
        if time.monotonic() - printed >= self.every:
            printed = time.monotonic()
            of = f" of {event.total:,}" if event.total is not None else ""
            remaining = f", {left:.0f} s left" if left is not None else ""
            self._write(f"{event.task}: {event.done:,}{of} {event.unit}, {speed:,.0f}/s{remaining}")
        if event.finished:
            self.rates.pop(event.task, None)
        else:
            self.rates[event.task] = rate, printed

    def _write(self, text: str) -> None:
        print(text, file=self.stream or sys.stderr, flush=True)

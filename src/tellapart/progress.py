"""What a long job says while it works; who listens decides how that looks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Note:
    """A decision that was made, and why, in one line; or something that its reader should know."""

    text: str


@dataclass(frozen=True, slots=True)
class Progress:
    """`done` of `total` (None: unknown) units of a task; `figures` are named values as they stand."""

    task: str
    done: int
    total: int | None
    unit: str = "pictures"
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """Whether this is the task's last event."""
        return self.total is not None and self.done >= self.total


@dataclass(frozen=True, slots=True)
class Epoch:
    """The end of epoch `number` (from 1) of `total`, with the row that history.csv gets."""

    number: int
    total: int
    metrics: Mapping[str, float]

    def __str__(self) -> str:
        shown = " ".join(
            f"{name} {self.metrics[name]:.4f}"
            for name in ("loss", "accuracy", "val_loss", "val_accuracy")
            if name in self.metrics
        )
        return f"epoch {self.number}/{self.total}  {shown}  {self.metrics.get('seconds', 0):.1f} s"


Event = Note | Progress | Epoch
Listener = Callable[[Event], None]


def silent(event: Event) -> None:
    """Listen to nothing."""


class Rate:
    """Turns counts into units a second and seconds left, from one task's events."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.first: int | None = None

    def of(self, event: Progress) -> tuple[float, float | None]:
        """Units a second since the first event (0 when unknown), and the seconds left (None when unknown)."""
        if self.first is None:
            self.began, self.first = time.monotonic(), event.done
        passed = time.monotonic() - self.began
        rate = (event.done - self.first) / passed if passed > 0 else 0.0
        left = (event.total - event.done) / rate if event.total is not None and rate > 0 else None
        return rate, left


class PlainLines:
    """Writes events as lines of text: every note, every epoch, and each task at most every `every` seconds."""

    def __init__(self, stream: TextIO | None = None, every: float = 5.0) -> None:
        self.stream, self.every = stream, every
        self.rates: dict[str, tuple[Rate, float]] = {}

    def __call__(self, event: Event) -> None:
        """Take one event."""
        if isinstance(event, Note):
            self._write(event.text)
        elif isinstance(event, Epoch):
            self._write(str(event))
        else:
            self._progress(event)

    def _progress(self, event: Progress) -> None:
        rate, said = self.rates.get(event.task) or (Rate(), time.monotonic())
        speed, left = rate.of(event)
        if time.monotonic() - said >= self.every:
            said = time.monotonic()
            of = f" of {event.total:,}" if event.total is not None else ""
            remaining = f", {left:.0f} s left" if left is not None else ""
            self._write(f"{event.task}: {event.done:,}{of} {event.unit}, {speed:,.0f}/s{remaining}")
        if event.finished:
            self.rates.pop(event.task, None)
        else:
            self.rates[event.task] = rate, said

    def _write(self, text: str) -> None:
        print(text, file=self.stream or sys.stderr, flush=True)

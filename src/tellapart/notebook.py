"""Progress in a notebook (Jupyter, marimo): one output that updates, with the last epochs, a curve, the time left."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from tellapart.progress import COLUMNS, COMPILE, Epoch, Event, Note, Progress, Rate

EVERY = 0.3
"""Seconds between two updates: each replaces the whole output."""

EPOCHS = 5
"""Epochs that the table shows."""

Show = Callable[[str], None]


def show_in_notebook() -> Show | None:
    """A function that shows HTML in place of what it showed before; None outside of a notebook."""
    return _marimo() or _jupyter()


def _jupyter() -> Show | None:
    if "ipykernel" not in sys.modules:
        return None
    from IPython import get_ipython
    from IPython.display import HTML, display

    if get_ipython() is None:
        return None
    handle = display(HTML(""), display_id=True)
    return lambda html: handle.update(HTML(html))


def _marimo() -> Show | None:
    marimo = sys.modules.get("marimo")
    if marimo is None or not marimo.running_in_notebook():
        return None
    return lambda html: marimo.output.replace(marimo.Html(html))


@dataclass(frozen=True)
class Page:
    """An HTML file that a notebook shows in a frame of `height` pixels."""

    path: Path
    height: int = 800

    def _repr_html_(self) -> str:
        page = escape(self.path.read_text(encoding="utf-8"))
        style = f"width:100%;height:{self.height}px;border:1px solid #8884"
        return f'<iframe srcdoc="{page}" style="{style}" title="{escape(self.path.name)}"></iframe>'

    def __str__(self) -> str:
        return str(self.path)


class NotebookView:
    """A listener that draws all events into one output, by calling `show` with the whole of it as HTML."""

    def __init__(self, show: Show) -> None:
        self.show = show
        self.notes: list[Note] = []
        self.epochs: list[Epoch] = []
        self.task: Progress | None = None
        self.left: float | None = None
        self.rates: dict[str, Rate] = {}
        self.shown = 0.0

    def __call__(self, event: Event) -> None:
        """Draw one event, at most every EVERY seconds unless it ends something."""
        if isinstance(event, Note):
            self.notes.append(event)
        elif isinstance(event, Epoch):
            if self.epochs and event.number <= self.epochs[-1].number:  # another training, such as the next fold's
                self.epochs.clear()
            self.epochs.append(event)
            self.task = None if event.number == event.total else self.task
        else:
            self._progress(event)
        last = isinstance(event, (Note, Epoch)) or event.finished
        if last or time.monotonic() - self.shown >= EVERY:
            self.shown = time.monotonic()
            self.show(self.html())

    def _progress(self, event: Progress) -> None:
        self.left = None if event.task == COMPILE else self.rates.setdefault(event.task, Rate()).of(event)[1]
        self.task = None if event.finished else event
        if event.finished:
            self.rates.pop(event.task, None)

    def html(self) -> str:
        """The output as it is now."""
        parts = [f"<div>{escape(note.text)}</div>" for note in self.notes if note.warning]
        decisions = "".join(f"<div>{escape(note.text)}</div>" for note in self.notes if not note.warning)
        if decisions:
            parts.append(f"<details><summary>decisions</summary>{decisions}</details>")
        if self.epochs:
            parts.append(f'<div style="display:flex;gap:2em;align-items:center">{self._table()}{self._curve()}</div>')
        if self.task is not None:
            parts.append(self._bar(self.task))
        return f'<div style="font-family:sans-serif;font-size:13px">{"".join(parts)}</div>'

    def _table(self) -> str:
        """The last epochs, the best one in bold."""
        columns = [(title, key) for title, key in COLUMNS if key in self.epochs[-1].metrics]
        head = "".join(f"<th>{title}</th>" for title in ("epoch", *(title for title, _ in columns), "time"))
        rows = []
        for epoch in self.epochs[-EPOCHS:]:
            best = epoch.number == self.epochs[-1].best
            values = (f"{epoch.metrics[key]:.4f}" for _, key in columns)
            cells = (f"{epoch.number}/{epoch.total}{' best' if best else ''}", *values, epoch.duration)
            style = ' style="font-weight:bold"' if best else ""
            rows.append(f"<tr{style}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"

    def _curve(self) -> str:
        """The accuracy of all epochs as a line, with its lowest and highest value."""
        key = "val_accuracy" if "val_accuracy" in self.epochs[-1].metrics else "accuracy"
        values = [epoch.metrics[key] for epoch in self.epochs if key in epoch.metrics]
        if len(values) < 2:
            return ""
        words = f"{key.replace('val_', 'validation ')} {min(values):.4f} to {max(values):.4f}"
        line = f'<polyline points="{_points(values)}" fill="none" stroke="#1f6feb" stroke-width="2"/>'
        return (
            f'<figure style="margin:0"><svg width="180" height="60" role="img">{line}</svg><div>{words}</div></figure>'
        )

    def _bar(self, task: Progress) -> str:
        if task.task == COMPILE:
            return "<div>compiling the training step ...</div>"
        left = f", {self.left:.0f} s left" if self.left is not None else ""
        total = "" if task.total is None else f" of {task.total:,}"
        bar = f'<progress value="{task.done}" max="{task.total}"></progress> ' if task.total else ""
        return f"<div>{escape(task.task)} {bar}{task.done:,}{total} {escape(task.unit)}{left}</div>"


def _points(values: Sequence[float]) -> str:
    """Values as points of a line, 180 wide and 60 high."""
    low, high = min(values), max(values)
    scale = 52 / (high - low) if high > low else 0.0
    step = 172 / (len(values) - 1)
    return " ".join(f"{4 + k * step:.1f},{56 - (value - low) * scale:.1f}" for k, value in enumerate(values))

"""Progress on a terminal: one table of the last epochs with a curve, and a bar for the current work."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from tellapart import progress

EPOCHS = 4
"""Finished epochs that the table shows."""

NARROW = 60
"""Columns below which the table and the bar leave something out."""

TICKS = "▁▂▃▄▅▆▇█"

ESSENTIAL = ("loss", "val_accuracy")
"""The metrics that a narrow terminal shows."""


class LiveView:
    """A context manager whose listener draws on stderr.

    Warnings are printed above the table, with `verbose` all other notes too. When the work is done, the table of the
    last epochs stays on the screen.
    """

    def __init__(self, console: Console | None = None, verbose: bool = False) -> None:
        self.console = console or Console(stderr=True, highlight=False)
        self.verbose = verbose
        self.bars = _bars(self.console)
        self.tasks: dict[str, TaskID] = {}
        self.epochs: list[progress.Epoch] = []
        self.running: progress.Progress | None = None
        self.compiling: float | None = None
        self.live = Live(self, console=self.console, refresh_per_second=4, redirect_stdout=False)

    def __enter__(self) -> progress.Listener:
        self.live.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.tasks.clear()
        for number in list(self.bars.task_ids):
            self.bars.remove_task(number)
        self.running = self.compiling = None
        self.live.stop()
        if self.epochs:
            self.console.print()

    def __call__(self, event: progress.Event) -> None:
        """Draw one event."""
        if isinstance(event, progress.Note):
            if event.warning or self.verbose:
                self.console.print(Text(event.text, style="yellow" if event.warning else ""))
        elif isinstance(event, progress.Epoch):
            self._epoch(event)
        elif event.task == progress.COMPILE:
            self.compiling = None if event.finished else time.monotonic()
        else:
            self._advance(event)

    def __rich__(self) -> RenderableType:
        """The table and the bars as they are now."""
        return Group(*self._parts())

    def _parts(self) -> Iterator[RenderableType]:
        running = self.running  # which the thread that trains may change while this one draws
        if self.epochs:
            yield _table(self.epochs[-EPOCHS:], running, self.console.width < NARROW)
            if len(self.epochs) > 1:
                yield _curve(self.epochs, self.console)
        elif running is not None:  # the first epoch, or a fold
            yield Text("  ".join(f"{name} {value:.4f}" for name, value in running.metrics.items()), style="dim")
        if self.compiling is not None:
            yield Text(f"compiling the training step ... {time.monotonic() - self.compiling:.0f} s", style="dim")
        if self.tasks:
            yield self.bars

    def _epoch(self, event: progress.Epoch) -> None:
        self.running = None
        if self.epochs and event.number <= self.epochs[-1].number:  # another training, such as that of the next fold
            self.epochs.clear()
        self.epochs.append(event)
        if self.verbose:
            self.console.print(Text(str(event), style="dim"))
        if event.number == event.total:
            self._drop("train")

    def _advance(self, event: progress.Progress) -> None:
        self.running = event if event.metrics else None
        if event.task not in self.tasks:
            self.tasks[event.task] = self.bars.add_task(event.task, total=event.total)
        number = self.tasks[event.task]
        task = next(task for task in self.bars.tasks if task.id == number)
        task.total = event.total  # passing a total to `update` would reset the speed
        self.bars.update(number, completed=event.done)
        if event.finished:
            self.running = None
            self._drop(event.task)

    def _drop(self, task: str) -> None:
        if task in self.tasks:
            self.bars.remove_task(self.tasks.pop(task))


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")


def _bars(console: Console) -> Progress:
    """The bars, with as many columns as the terminal has room for."""
    name, left = TextColumn("{task.description}"), TimeRemainingColumn(compact=True)
    if console.width < NARROW:
        return Progress(name, BarColumn(bar_width=None), left, console=console, auto_refresh=False, expand=True)
    columns = (name, BarColumn(bar_width=None), MofNCompleteColumn(), _Speed(), left)
    return Progress(*columns, console=console, auto_refresh=False, expand=True, speed_estimate_period=10)


def _table(epochs: Sequence[progress.Epoch], running: progress.Progress | None, narrow: bool) -> Table:
    """The last epochs, the unfinished one, `running`, below them; the best one so far is marked."""
    columns = [(title, key) for title, key in progress.COLUMNS if key in epochs[-1].metrics]
    if narrow:
        columns = [("val acc" if key == "val_accuracy" else title, key) for title, key in columns if key in ESSENTIAL]
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for title in ("epoch", *(title for title, _ in columns)):
        table.add_column(title, justify="right", no_wrap=True, min_width=len(title))
    table.add_column("time", no_wrap=True)
    for epoch in epochs:
        best = epoch.number == epochs[-1].best
        values = [f"{epoch.metrics[key]:.4f}" if key in epoch.metrics else "" for _, key in columns]
        duration = f"{epoch.metrics.get('seconds', 0):.1f} s" if narrow else epoch.duration
        name = f"{epoch.number}" if narrow else f"{epoch.number}/{epoch.total}"
        table.add_row(f"best {name}" if best else name, *values, duration, style="bold green" if best else "")
    if running is not None:
        values = [f"{running.metrics[key]:.4f}" if key in running.metrics else "" for _, key in columns]
        number = epochs[-1].number + 1
        table.add_row(f"{number}" if narrow else f"{number}/{epochs[-1].total}", *values, "", style="dim")
    return table


def _curve(epochs: Sequence[progress.Epoch], console: Console) -> Text:
    """The validation accuracy of all epochs so far, or else the accuracy, as a line of blocks, and the best epoch."""
    key = "val_accuracy" if "val_accuracy" in epochs[-1].metrics else "accuracy"
    values = [epoch.metrics[key] for epoch in epochs if key in epoch.metrics]
    best = max(range(len(values)), key=values.__getitem__)
    number = epochs[-1].best or best + 1
    words = f"{key.replace('val_', 'val ')}, best in epoch {number}"
    if "utf" not in console.encoding:
        return Text(words, style="dim")
    room = max(8, min(40, console.width - len(words) - 3))
    return Text(f"{sparkline(values, room)}  {words}", style="dim")


def sparkline(values: Sequence[float], room: int) -> str:
    """Values as blocks of eight heights, at most `room`: each block shows the mean of its share of the values."""
    count = min(room, len(values))
    edges = [round(k * len(values) / count) for k in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    scale = (len(TICKS) - 1) / (high - low) if high > low else 0.0
    return "".join(TICKS[round((mean - low) * scale)] for mean in means)

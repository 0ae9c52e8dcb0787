"""Progress on a terminal: a bar with metrics, rate and remaining time; notes and epochs as lines above it."""

from __future__ import annotations

from rich.console import Console
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
from rich.text import Text

from tellapart import progress


class _Speed(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "")


class Bar:
    """A context manager whose listener draws on stderr."""

    def __init__(self, console: Console | None = None) -> None:
        console = console or Console(stderr=True, highlight=False)
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            _Speed(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[metrics]}"),
            console=console,
            transient=True,
            speed_estimate_period=10,
        )
        self.tasks: dict[str, TaskID] = {}

    def __enter__(self) -> progress.Listener:
        self.bars.start()
        return self

    def __exit__(self, *reason: object) -> None:
        self.bars.stop()

    def __call__(self, event: progress.Event) -> None:
        """Draw one event."""
        if isinstance(event, progress.Note):
            self.bars.print(event.text, markup=False)
        elif isinstance(event, progress.Epoch):
            self.bars.print(str(event), markup=False)
            if event.number == event.total:
                self._drop("train")
        else:
            self._advance(event)

    def _advance(self, event: progress.Progress) -> None:
        metrics = " ".join(f"{name} {value:.4f}" for name, value in event.metrics.items())
        if event.task not in self.tasks:
            self.tasks[event.task] = self.bars.add_task(event.task, total=event.total, metrics=metrics)
        number = self.tasks[event.task]
        task = next(task for task in self.bars.tasks if task.id == number)
        task.total = event.total  # passing a total to `update` would reset the speed
        self.bars.update(number, completed=event.done, metrics=metrics)
        if event.finished:
            self._drop(event.task)

    def _drop(self, task: str) -> None:
        if task in self.tasks:
            self.bars.remove_task(self.tasks.pop(task))

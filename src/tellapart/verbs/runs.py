"""List the runs in a folder: data, accuracy with its interval, date, and whether each is finished."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from html import escape
from pathlib import Path
from typing import Any

from pydantic import Field

from tellapart.errors import UsageError
from tellapart.progress import Listener
from tellapart.text import counted, fitted, percent, percent_range, terminal_width, wrapped
from tellapart.verbs import Record
from tellapart.verbs._runs import RUNS, RunState, read_run, run_folders

HEADER = ("run", "accuracy", "date", "state", "data")


class Options(Record):
    """The options of runs."""

    runs: Path = Field(RUNS, description="Folder of the runs.")


@dataclass(frozen=True, repr=False)
class RunList:
    """The runs below the folder `runs`, the newest last."""

    runs: Path
    rows: tuple[RunState, ...]

    def to_dict(self) -> list[dict[str, Any]]:
        """One object per run, for machines."""
        return [row.to_dict() for row in self.rows]

    def __str__(self) -> str:
        if not self.rows:
            return f"no runs in {self.runs}; 'tellapart train DATA' makes the first"
        width = terminal_width()
        table = fitted([self._cells(row) for row in self.rows], HEADER, width, least=4)
        return "\n".join([table, *(line for row in self.rows for line in self._advice(row, width))])

    def __repr__(self) -> str:
        return f"<RunList of {self.runs}: {counted(len(self.rows), 'run')}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def _name(self, row: RunState) -> str:
        """What to type for the run: its name below the default folder, else its path."""
        if self.runs != RUNS or row.path == self.runs:
            return str(row.path)
        return row.path.relative_to(self.runs).as_posix()

    def _cells(self, row: RunState) -> list[str]:
        accuracy = "-"
        if row.accuracy is not None and row.interval is not None:
            accuracy = f"{percent(row.accuracy, row.interval)} ({percent_range(row.interval)})"
            accuracy += "" if row.split == "test" else f", {str(row.split).replace('_', '-')}"
        return [self._name(row), accuracy, _date(row.finished or row.started), row.state, row.data or "-"]

    def _advice(self, row: RunState, width: int | None) -> list[str]:
        """Lines about a run that is neither done nor running: why, and what to do. The command is not broken."""
        if row.state in ("done", "running"):
            return []
        if row.state == "damaged":
            return [wrapped(row.reason, width)]
        reason = f"; {row.reason}" if row.reason else ""
        about = wrapped(f"{self._name(row)}: {row.state}{row.progress}{reason}", width)
        return [about, f"  {row.advice}"] if row.advice else [about]


def run(options: Options, on_event: Listener) -> RunList:
    """Returns the runs at any depth below the folder. A run whose run.json is damaged is listed as such.

    Raises UsageError for another folder than the default one if it does not exist.
    """
    if options.runs != RUNS and not options.runs.is_dir():
        raise UsageError(f"--runs {options.runs}: is not a folder", "a folder of runs", "check the path")
    rows = [read_run(folder) for folder in run_folders(options.runs)]
    return RunList(options.runs, tuple(sorted(rows, key=lambda row: (row.started or "", row.path))))


def _date(text: str | None) -> str:
    """A time in UTC as local date and time, to the minute."""
    try:
        return datetime.fromisoformat(text or "").astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return "-"

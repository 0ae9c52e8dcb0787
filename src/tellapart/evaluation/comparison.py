"""Compare classifiers on the same pictures: accuracies, paired differences, sizes and times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.errors import DataError
from tellapart.evaluation.evaluation import Evaluation
from tellapart.evaluation.intervals import mcnemar, paired_difference
from tellapart.plots.answers import Bars, Intervals
from tellapart.plots.panels import Panels
from tellapart.plots.plot import Plot, shortened
from tellapart.text import (
    counted,
    duration,
    file_size,
    fitted,
    interval_digits,
    large_count,
    percent,
    percent_range,
    terminal_width,
    time_unit,
    wrapped,
)

HEADER = ("model", "accuracy", "training", "predict", "parameters", "file")
"""Columns of the table; the last ones are left out where it is too wide. `predict` is the time for one picture."""

ALWAYS = 4
"""The first columns, without which the table is printed as blocks."""


@dataclass(frozen=True, eq=False)
class Contender:
    """A classifier in a comparison: its name, its evaluation, and what it costs.

    `parameters` and `operations` are those of its network, the latter for one picture. `train_seconds` is None if not
    known. `single_seconds` is the time to predict one picture alone, `batch_seconds` the time per picture in a batch.
    `bytes` is the size of the model file.
    """

    name: str
    evaluation: Evaluation
    parameters: int
    operations: int
    train_seconds: float | None
    single_seconds: float
    batch_seconds: float
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """Return the contender as JSON-ready data."""
        return {
            "name": self.name,
            "accuracy": self.evaluation.accuracy,
            "accuracy_interval": list(self.evaluation.accuracy_interval),
            "loss": self.evaluation.loss,
            "parameters": self.parameters,
            "operations": self.operations,
            "train_seconds": self.train_seconds,
            "single_picture_seconds": self.single_seconds,
            "batch_picture_seconds": self.batch_seconds,
            "bytes": self.bytes,
        }


@dataclass(frozen=True, eq=False)
class Difference:
    """The accuracy of `name` minus that of `base` on the same pictures, -1 to 1, with its 95 % interval.

    Only `name` classifies `gained` pictures correctly, only `base` classifies `lost` pictures correctly. `p` is the
    p-value of McNemar's exact test.
    """

    name: str
    base: str
    value: float
    interval: tuple[float, float]
    gained: int
    lost: int
    p: float

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as JSON-ready data."""
        fields = {"name": self.name, "base": self.base, "difference": self.value, "interval": list(self.interval)}
        return fields | {"gained": self.gained, "lost": self.lost, "p": self.p}

    def __str__(self) -> str:
        low, high = self.interval
        significant = (low > 0 or high < 0) and self.p < 0.05  # the interval is narrower than the exact test allows
        verdict = "" if significant else "; not a significant difference"
        digits = interval_digits(self.interval)
        value, first, last = (f"{100 * share:+.{digits}f}" for share in (self.value, low, high))
        return (
            f"{self.name} compared with {self.base}: {value} points (95 % interval {first} to {last}), "
            f"{counted(self.gained, 'picture')} gained, {self.lost} lost, p = {self.p:.2g}{verdict}"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Contenders on the same `count` pictures of `data`; each difference is to the first contender.

    `output` is the file of the drawing, if there is one.
    """

    split: str
    count: int
    contenders: tuple[Contender, ...]
    differences: tuple[Difference, ...]
    data: str = ""
    output: Path | None = None

    def plot(self) -> Panels:
        """Return accuracies, paired differences, parameters, times and file sizes as a drawing."""
        names, contenders = self._short_names(), self.contenders
        accuracies = np.array([contender.evaluation.accuracy for contender in contenders])
        bounds = np.array([contender.evaluation.accuracy_interval for contender in contenders])
        parameters = [contender.parameters / 1e6 for contender in contenders]
        panels: list[Plot] = [
            Intervals(names, 100 * accuracies, 100 * bounds, "accuracy, %"),
            self.difference_plot(),
            _bars(names, parameters, "parameters, millions", lambda value: large_count(round(1e6 * value))),
            _time_bars(names, [contender.single_seconds for contender in contenders], "time to predict one picture"),
        ]
        if all(contender.train_seconds is not None for contender in contenders):
            seconds = [contender.train_seconds or 0.0 for contender in contenders]
            panels.append(_time_bars(names, seconds, "time to train"))
        sizes = [contender.bytes for contender in contenders]
        panels.append(
            _bars(names, [size / 1e6 for size in sizes], "model file, MB", lambda size: file_size(1e6 * size))
        )
        return Panels(panels)

    def difference_plot(self) -> Intervals:
        """Return the paired differences, in percentage points, as a drawing."""
        values = np.array([100 * difference.value for difference in self.differences])
        bounds = 100 * np.array([difference.interval for difference in self.differences])
        base, *others = self._short_names()
        label = f"accuracy minus that of {base},\npoints (95 % interval, {self.count:,} pictures)"
        return Intervals(others, values, bounds, label, zero=True)

    @property
    def caveats(self) -> list[str]:
        """The limits of the differences, one sentence each."""
        groups = self.contenders[0].evaluation.groups
        if groups is None or (count := len(np.unique(groups))) == self.count:
            return []
        return [
            f"the pictures come from {counted(count, 'group')}; the differences and p-values count each picture as "
            "independent, so their intervals are too narrow and p is too small"
        ]

    def _short_names(self) -> list[str]:
        """Return the contenders' names shortened for drawings, the same in all panels."""
        return shortened([contender.name for contender in self.contenders])

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as JSON-ready data."""
        return {
            "split": self.split,
            "data": self.data or None,
            "count": self.count,
            "models": [contender.to_dict() for contender in self.contenders],
            "differences": [difference.to_dict() for difference in self.differences],
            "caveats": self.caveats,
            "output": None if self.output is None else str(self.output),
        }

    def rows(self) -> list[list[str]]:
        """Return the rows of the table, one per contender."""
        return [_row(contender) for contender in self.contenders]

    def __str__(self) -> str:
        width = terminal_width()
        of = f" of {self.data}" if self.data else ""
        split = "all pictures" if self.split == "all" else f"{self.split} split"
        lines = [wrapped(f"{split}{of}: {counted(self.count, 'picture')} (accuracy with its 95 % interval)", width), ""]
        lines += [fitted(self.rows(), HEADER, width, ALWAYS), ""]
        sentences = [*map(str, self.differences), *(f"note: {caveat}" for caveat in self.caveats)]
        drawn = [] if self.output is None else [f"drawn: {self.output}"]
        return "\n".join([*lines, *(wrapped(sentence, width) for sentence in sentences), *drawn])

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(contender.name for contender in self.contenders)}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>{self.plot().svg()}"


def compare(split: str, contenders: list[Contender], data: str = "") -> Comparison:
    """Compare contenders on a split of `data`.

    Raises DataError if their evaluations are not on the same pictures in the same order.
    """
    first = contenders[0]
    for other in contenders[1:]:
        if not np.array_equal(other.evaluation.indices, first.evaluation.indices):
            raise DataError(
                f"{other.name} and {first.name}: were evaluated on different pictures",
                "evaluations on the same pictures in the same order",
                "",
            )
    differences = tuple(_difference(other, first) for other in contenders[1:])
    return Comparison(split, first.evaluation.count, tuple(contenders), differences, data)


def _difference(other: Contender, base: Contender) -> Difference:
    """Return the paired difference of two contenders."""
    other_correct, base_correct = other.evaluation.is_correct, base.evaluation.is_correct
    gained, lost = int((other_correct & ~base_correct).sum()), int((base_correct & ~other_correct).sum())
    count = len(base_correct)
    interval, value = paired_difference(gained, lost, count), (gained - lost) / count
    return Difference(other.name, base.name, value, interval, gained, lost, mcnemar(gained, lost))


def _row(contender: Contender) -> list[str]:
    """Return a contender's row of the table."""
    interval = contender.evaluation.accuracy_interval
    return [
        contender.name,
        f"{percent(contender.evaluation.accuracy, interval)} ({percent_range(interval)})",
        "-" if contender.train_seconds is None else duration(contender.train_seconds),
        duration(contender.single_seconds),
        large_count(contender.parameters),
        file_size(contender.bytes),
    ]


def _bars(names: list[str], values: Sequence[float], label: str, words: Callable[[Any], str]) -> Bars:
    return Bars(names, np.array(values, float), [words(value) for value in values], label)


def _time_bars(names: list[str], seconds: Sequence[float], label: str) -> Bars:
    """Return times as bars in the unit that suits the longest; the number on each bar has a unit of its own."""
    unit, size = time_unit(max(seconds))
    return Bars(names, np.array(seconds, float) / size, [duration(value) for value in seconds], f"{label}, {unit}")

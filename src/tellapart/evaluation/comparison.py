"""Classifiers side by side on the same pictures: accuracies, their paired differences, and what each one costs."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from tellapart.errors import DataError
from tellapart.evaluation.evaluation import Evaluation
from tellapart.evaluation.intervals import mcnemar, paired_difference
from tellapart.plots.answers import Bars, Intervals
from tellapart.plots.panels import Panels
from tellapart.plots.plot import Plot, shortened
from tellapart.text import columns, counted


@dataclass(frozen=True, eq=False)
class Contender:
    """A classifier by its name, its answers, and what it costs: parameters and operations of its network, seconds of
    training where known, seconds to answer one picture alone and a picture among many, bytes of its file.
    """

    name: str
    evaluation: Evaluation
    parameters: int
    operations: int
    train_seconds: float | None
    one_seconds: float
    many_seconds: float
    bytes: int

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        found = self.evaluation
        return {
            "name": self.name,
            "accuracy": found.accuracy,
            "accuracy_interval": list(found.accuracy_interval),
            "loss": found.loss,
            "parameters": self.parameters,
            "operations": self.operations,
            "train_seconds": self.train_seconds,
            "one_picture_seconds": self.one_seconds,
            "picture_among_many_seconds": self.many_seconds,
            "bytes": self.bytes,
        }


@dataclass(frozen=True, eq=False)
class Difference:
    """The accuracy of `name` less that of `base` on the same pictures, with its 95 % interval.

    `gained` pictures only `name` gets right, `lost` only `base`; `p` is McNemar's: how likely so uneven a split would
    be, were both equally good.
    """

    name: str
    base: str
    value: float
    interval: tuple[float, float]
    gained: int
    lost: int
    p: float

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        found = {"name": self.name, "base": self.base, "difference": self.value, "interval": list(self.interval)}
        return found | {"gained": self.gained, "lost": self.lost, "p": self.p}

    def __str__(self) -> str:
        low, high = self.interval
        apart = (low > 0 or high < 0) and self.p < 0.05  # the interval is a little bolder than the exact test
        sure = "" if apart else "; these pictures cannot tell them apart"
        return (
            f"{self.name} against {self.base}: {100 * self.value:+.2f} points (95 % interval {100 * low:+.2f} to "
            f"{100 * high:+.2f}), {counted(self.gained, 'picture')} gained, {self.lost} lost, p = {self.p:.2g}{sure}"
        )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Contenders on the same pictures; differences are against the first of them."""

    split: str
    count: int
    contenders: tuple[Contender, ...]
    differences: tuple[Difference, ...]

    def plot(self) -> Panels:
        """Accuracies, paired differences, parameters and times, as a drawing."""
        names = self._short()
        accuracies = [one.evaluation.accuracy for one in self.contenders]
        arms = [one.evaluation.accuracy_interval for one in self.contenders]
        times = [1e6 * one.one_seconds for one in self.contenders]
        splits: list[Plot] = [
            Intervals(names, 100 * np.array(accuracies), 100 * np.array(arms), "accuracy, %"),
            self.difference_plot(),
            _bars(names, [one.parameters for one in self.contenders], "parameters", "{:,.0f}"),
            _bars(names, times, "time to predict one picture, us", "{:,.0f}"),
        ]
        if all(one.train_seconds is not None for one in self.contenders):
            seconds = [one.train_seconds or 0.0 for one in self.contenders]
            splits.append(_bars(names, seconds, "time to train, s", "{:,.1f}"))
        splits.append(_bars(names, [one.bytes / 1e6 for one in self.contenders], "model file, MB", "{:,.2f}"))
        return Panels(splits)

    def difference_plot(self) -> Intervals:
        """The paired differences, in points, as a drawing."""
        values = np.array([100 * found.value for found in self.differences])
        arms = 100 * np.array([found.interval for found in self.differences])
        base, *others = self._short()
        label = f"accuracy less that of {base},\npoints (95 % interval, {self.count:,} pictures)"
        return Intervals(others, values, arms, label, zero=True)

    @property
    def caveats(self) -> list[str]:
        """What has to be said of the differences, a sentence each."""
        groups = self.contenders[0].evaluation.groups
        if groups is None or (count := len(np.unique(groups))) == self.count:
            return []
        return [
            f"these pictures are of {counted(count, 'group')}; differences and p count each picture as independent, "
            "and promise too much"
        ]

    def _short(self) -> list[str]:
        """The contenders' names as drawings have them, the same in every part of one."""
        return shortened([one.name for one in self.contenders])

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "split": self.split,
            "count": self.count,
            "models": [contender.to_dict() for contender in self.contenders],
            "differences": [found.to_dict() for found in self.differences],
            "caveats": self.caveats,
        }

    def rows(self) -> list[list[str]]:
        """The table's rows: a contender each."""
        return [
            [
                one.name,
                f"{one.evaluation.accuracy:.2%}",
                f"{one.evaluation.accuracy_interval[0]:.2%} to {one.evaluation.accuracy_interval[1]:.2%}",
                f"{one.parameters:,}",
                f"{one.operations / 1e6:,.1f} M",
                "-" if one.train_seconds is None else f"{one.train_seconds:,.1f} s",
                f"{1e6 * one.one_seconds:,.0f} us",
                f"{1e6 * one.many_seconds:,.1f} us",
                f"{one.bytes / 1e6:,.2f} MB",
            ]
            for one in self.contenders
        ]

    def __str__(self) -> str:
        names = ["model", "accuracy", "95 % interval", "parameters", "operations", "training", "one picture"]
        table = columns(self.rows(), [*names, "of many, each", "file"])
        lines = [f"{self.split}: {self.count:,} pictures", "", table, "", *map(str, self.differences)]
        return "\n".join([*lines, *(f"note: {words}" for words in self.caveats)])

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>{self.plot().svg()}"


def compare(split: str, contenders: list[Contender]) -> Comparison:
    """Compare contenders whose evaluations are of the same pictures, in the same order. Raises DataError otherwise."""
    first = contenders[0]
    for other in contenders[1:]:
        if not np.array_equal(other.evaluation.indices, first.evaluation.indices):
            raise DataError(
                f"{other.name} and {first.name}: did not answer for the same pictures", "the same", "compare them anew"
            )
    base = _right(first.evaluation)
    differences = []
    for other in contenders[1:]:
        right = _right(other.evaluation)
        gained, lost = int((right & ~base).sum()), int((base & ~right).sum())
        interval = paired_difference(gained, lost, len(base))
        value = (gained - lost) / len(base)
        differences.append(Difference(other.name, first.name, value, interval, gained, lost, mcnemar(gained, lost)))
    return Comparison(split, len(base), tuple(contenders), tuple(differences))


def _bars(names: list[str], values: list[float], label: str, form: str) -> Bars:
    return Bars(names, np.array(values, float), [form.format(value) for value in values], label)


def _right(found: Evaluation) -> np.ndarray:
    result: np.ndarray = found.probabilities.argmax(axis=1) == found.labels
    return result

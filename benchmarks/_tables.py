"""Tables and lines for the pages: Markdown tables, means with their range, where something was measured."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from typing import Any


def mean_and_range(values: Iterable[float], form: str = ".1f") -> str:
    """Mean and range, `12.3 (11.9 to 12.8)`; a single value as it is; `-` without values."""
    numbers = list(values)
    if not numbers:
        return "-"
    mean = format(statistics.fmean(numbers), form)
    return mean if len(numbers) == 1 else f"{mean} ({format(min(numbers), form)} to {format(max(numbers), form)})"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows])


def as_section(title: str, about: str, *body: str) -> str:
    """A section of a page: title, a paragraph, and tables."""
    return "\n".join([f"## {title}", "", about, *(line for block in body for line in ("", block)), ""])


def measured_on(measurements: list[dict[str, Any]]) -> str:
    """Machine, versions and days of some measurements, in a line."""
    machines = sorted({f"{line['machine']['cores']} cores of {line['machine']['processor']}" for line in measurements})
    kerases = sorted({f"Keras {line['versions']['keras']}" for line in measurements})
    days = sorted({line["when"][:10] for line in measurements})
    span = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    runtime = f"ONNX Runtime {measurements[-1]['versions']['onnxruntime']}"
    return f"Measured on {', '.join(machines)}, {', '.join(kerases)}, {runtime}, {span}."

"""One metric with its definition and, where it has one, its confidence interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Metric:
    """A metric under its usual name, what it means, and its 95 % interval where it has one.

    `value` is None if the metric is not defined for these pictures, such as an area for a class without pictures.
    """

    name: str
    value: float | None
    definition: str
    interval: tuple[float, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the metric as JSON-ready data."""
        fields = {"name": self.name, "value": self.value, "definition": self.definition}
        return fields | ({"interval": list(self.interval)} if self.interval else {})

    def __str__(self) -> str:
        if self.value is None:
            return "not defined"
        if self.interval is None:
            return f"{self.value:.4f}"
        return f"{self.value:.4f} ({self.interval[0]:.4f} to {self.interval[1]:.4f})"

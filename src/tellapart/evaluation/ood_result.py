"""How well out-of-distribution pictures are detected."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tellapart.text import percent


@dataclass(frozen=True)
class OodResult:
    """How well `count` pictures of the collection `name` are distinguished from the evaluated ones by their OOD scores.

    `roc_auc` is the area under the ROC curve. `flagged` and `falsely_flagged` are the shares of these and of the
    evaluated pictures that are flagged as out-of-distribution.
    """

    name: str
    count: int
    roc_auc: float
    flagged: float
    falsely_flagged: float

    def to_dict(self) -> dict[str, Any]:
        """Return the result as JSON-ready data."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"out-of-distribution detection: ROC AUC {self.roc_auc:.4f} for {self.count:,} pictures of {self.name} "
            f"against the evaluated pictures; it flags {percent(self.flagged)} of the former and "
            f"{percent(self.falsely_flagged)} of the latter"
        )

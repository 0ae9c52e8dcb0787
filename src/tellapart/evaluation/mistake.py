"""One misclassified picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Mistake:
    """A misclassified picture: its position in the evaluation, its key, the true and the predicted class, and the
    probability of the predicted class.
    """

    position: int
    key: str
    true: str
    predicted: str
    probability: float

    def to_dict(self) -> dict[str, Any]:
        """Return the mistake as JSON-ready data; its key is called `file`."""
        classes = {"true": self.true, "predicted": self.predicted}
        return {"position": self.position, "file": self.key} | classes | {"probability": self.probability}

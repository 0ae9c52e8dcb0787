"""How far a training has come. A checkpoint is this record plus the variables of network and optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class State:
    """How far a training has come; the callbacks of one training share and update it.

    `epoch` epochs are finished, and `batch` batches of the next one. `phase` counts the fits: a training whose pictures
    grow has two, and `size` is the share of their size at which this one sees them. `metrics` are means over the
    batches of the unfinished epoch, on which `epoch_seconds` were spent. `best` (validation accuracy, negative loss)
    belongs to `best_epoch` (from 1) and `best_weights`. `seconds` of training and `total_seconds` of the whole run
    include earlier processes. `steps` were done of `planned_steps`, which only a training with a time budget needs.
    """

    epoch: int = 0
    batch: int = 0
    phase: int = 0
    size: float = 1.0
    finished: bool = False
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    epoch_seconds: float = 0.0
    best: tuple[float, float] = (-math.inf, -math.inf)
    best_epoch: int = 0
    best_weights: list[np.ndarray] = field(default_factory=list)
    seconds: float = 0.0
    total_seconds: float = 0.0
    steps: int = 0
    planned_steps: float = 0.0

    @property
    def place(self) -> tuple[int, int]:
        """Finished epochs, and batches of the next one."""
        return self.epoch, self.batch

    def forget_best(self) -> None:
        """Let the next epoch be the best so far: earlier ones were evaluated on smaller pictures."""
        self.best = (-math.inf, -math.inf)

    def values(self) -> dict[str, Any]:
        """Everything but the weights, as plain values for a checkpoint's manifest."""
        return {name: value for name, value in vars(self).items() if name != "best_weights"}

    @classmethod
    def from_values(cls, values: Mapping[str, Any], best_weights: list[np.ndarray]) -> State:
        """Back from `values`, which JSON may have been in between; the inverse of `values`."""
        values = {"size": 1.0} | dict(values)  # checkpoints of earlier versions do not have it
        known = {name: values[name] for name in cls.__dataclass_fields__ if name != "best_weights"}
        known["best"] = tuple(known["best"])
        known["history"] = [dict(row) for row in known["history"]]
        return cls(**known, best_weights=best_weights)

"""What surrounds a training: its folder, its listener, its time budget, and how it is cancelled."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tellapart.cancel import Cancellation
from tellapart.progress import Listener, silent
from tellapart.training.budget import Budget

SAVE_EVERY = 10.0
"""Seconds between two checkpoints, at least."""


@dataclass(frozen=True, eq=False)
class Session:
    """One process that trains; nothing in it changes the weights that come out, except the time that `budget` allows.

    `folder` gets history.csv and checkpoints/, the latter about every `save_every` seconds (0: as often as possible)
    and at the end.
    """

    folder: Path
    on_event: Listener = silent
    budget: Budget | None = None
    save_every: float = SAVE_EVERY
    cancellation: Cancellation = field(default_factory=Cancellation)

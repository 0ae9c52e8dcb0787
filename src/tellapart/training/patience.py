"""Early stopping: a training ends, or warns, when its validation accuracy has not improved for many epochs."""

from __future__ import annotations

import math
from typing import Any

from tellapart.networks.backend import keras
from tellapart.progress import Note
from tellapart.training.session import Session
from tellapart.training.state import State

LONG = 10
"""Epochs without improvement after which a training without `patience` warns."""


def out_of_patience(patience: int | None, state: State) -> bool:
    """Whether the last `patience` epochs were no better than the best one; never without `patience`."""
    return patience is not None and waited(state) >= patience


def waited(state: State) -> int:
    """Epochs since the best one; 0 before the first epoch of a phase."""
    return 0 if state.best[0] == -math.inf else len(state.history) - state.best_epoch


class Patience(keras.callbacks.Callback):
    """Ends the last phase of a training when `patience` epochs in a row were no better than the best one.

    Without `patience` it reports once that a training has not improved for LONG epochs. It comes after `Watch`, which
    decides what the best epoch is.
    """

    def __init__(self, patience: int | None, last_phase: int, state: State, session: Session) -> None:
        super().__init__()
        self.patience, self.last_phase, self.state, self.session = patience, last_phase, state, session
        self.reported = False

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        if self.state.phase != self.last_phase or "val_accuracy" not in self.state.history[-1]:
            return
        if out_of_patience(self.patience, self.state):
            self.session.on_event(
                Note(f"stopped early: {self._words(waited(self.state))}; --patience {self.patience}", warning=True)
            )
            self.model.stop_training = True
        elif self.patience is None and waited(self.state) >= LONG and not self.reported:
            self.reported = True
            hint = "the learning rate may still fall, or --patience stops early"
            self.session.on_event(Note(f"note: {self._words(waited(self.state))} ({hint})", warning=True))

    def _words(self, epochs: int) -> str:
        best = self.state.history[self.state.best_epoch - 1]["val_accuracy"]
        return f"no improvement in {epochs} epochs; best: epoch {self.state.best_epoch}, validation accuracy {best:.4f}"

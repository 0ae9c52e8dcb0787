"""What a training reports as it runs: metrics for the listener, the history, the best weights so far."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from tellapart.errors import TrainingError
from tellapart.networks.backend import keras
from tellapart.progress import COMPILE, Epoch, Progress, silent
from tellapart.training import checkpoints
from tellapart.training.batches import Batches
from tellapart.training.history import write_history
from tellapart.training.pace import Pace
from tellapart.training.session import Session
from tellapart.training.state import State

EVERY = 0.2
"""Seconds between two progress events: reading the metrics waits for the device."""


class Watch(keras.callbacks.Callback):
    """Reports progress, writes history.csv, keeps the best weights, and stops if a metric is not finite.

    `epochs` are planned, unless `pace` plans them. If pictures grow during the training, each row of the history has
    the share of their size in that epoch, `size`.
    """

    def __init__(
        self, network: keras.Model, epochs: int, batches: Batches, state: State, session: Session, pace: Pace | None
    ) -> None:
        super().__init__()
        self.network, self.epochs, self.batches = network, epochs, batches
        self.state, self.session, self.pace = state, session, pace
        self.epoch, self.started = state.epoch, time.monotonic()
        self.earlier = (state.batch, dict(state.metrics), state.epoch_seconds) if state.batch else None
        """Batches, metrics and seconds of this epoch in an earlier process."""
        self.warned = False
        self.compiled: keras.Model | None = None
        """The model whose training step is compiled."""
        self.compiling = 0.0
        """Seconds of this epoch until the first steps of a new model were done, almost all of it to compile them."""
        self.evaluated: keras.Model | None = None
        """The model whose evaluation step is compiled."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.started, self.epoch, self.reported = time.monotonic(), epoch, 0.0
        self.started -= self.earlier[2] if self.earlier else 0.0
        self.done = self.batches.per_epoch
        self.compiling, self.fit_started = 0.0, time.monotonic()
        if self.compiled is not self.model:
            self.session.on_event(Progress(COMPILE, 0, 1, "step"))

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        if self.compiled is not self.model:
            self.compiled, self.compiling = self.model, time.monotonic() - self.fit_started
            self.session.on_event(Progress(COMPILE, 1, 1, "step"))
        self.done = min(self.batches.first + batch + 1, self.batches.per_epoch)
        if time.monotonic() - self.reported < EVERY:
            return
        self.reported = time.monotonic()
        self.read_metrics(batch, logs)
        steps, pictures = self.batches.per_epoch, len(self.batches.data)
        planned = self.state.planned_steps / steps if self.pace else self.epochs
        total = round(planned * pictures)
        done = min(round((self.epoch + self.done / steps) * pictures), total)
        self.session.on_event(Progress("train", done, total, "pictures", self.state.metrics))

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.test_started = time.monotonic()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        if self.evaluated is not self.model:
            self.evaluated = self.model
            self.compiling += time.monotonic() - self.test_started

    def finish(self) -> None:
        """Report that the training has ended, which may be before its last planned epoch."""
        pictures = len(self.batches.data)
        total = max(1, self.epochs if self.pace is None else len(self.state.history)) * pictures
        self.session.on_event(Progress("train", total, total))

    def read_metrics(self, batch: int, logs: dict[str, Any] | None) -> None:
        """Put the metrics of the epoch up to a batch into the state. Raises TrainingError if one is not finite."""
        read = {name: float(value) for name, value in (logs or {}).items()}
        self.state.metrics = self._of_whole_epoch(read, min(self.batches.first + batch + 1, self.batches.per_epoch))
        self._check(self.state.metrics, self.epoch)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        read = {name: float(value) for name, value in (logs or {}).items()}
        row = {"epoch": epoch + 1} | self._of_whole_epoch(read, self.done)
        row["seconds"] = round(time.monotonic() - self.started, 3)
        if self.state.size < 1 or any("size" in earlier for earlier in self.state.history):
            row["size"] = self.state.size
        self.earlier = None
        self._check(row, epoch)
        self._keep_best(row, epoch)
        self.state.history.append(row)
        self.write_history()
        steps = self.batches.per_epoch
        planned = self.epochs if self.pace is None else math.ceil(self.state.planned_steps / steps)
        best = self.state.best_epoch or None
        self.session.on_event(Epoch(epoch + 1, max(planned, epoch + 1), row, best, round(self.compiling, 3)))

    def write_history(self) -> None:
        """Write history.csv. A failure is reported once and does not end the training."""
        if self.state.history:
            listener = silent if self.warned else self.session.on_event
            self.warned = not write_history(self.session.folder, self.state.history, listener) or self.warned

    def _keep_best(self, row: dict[str, float], epoch: int) -> None:
        """Copy the weights if this epoch is the best so far; without validation the last epoch is."""
        value = (row["val_accuracy"], -row["val_loss"]) if "val_accuracy" in row else (float(epoch), 0.0)
        if value <= self.state.best:
            return
        weights = self.network.get_weights()
        if not all(np.isfinite(weight).all() for weight in weights):  # by the last step, which no metric covers
            self._check({"a weight": math.nan}, epoch)
        self.state.best, self.state.best_epoch, self.state.best_weights = value, epoch + 1, weights

    def _of_whole_epoch(self, metrics: dict[str, float], batches: int) -> dict[str, float]:
        """Means over this process's batches of an epoch and an earlier one's; validation metrics are unchanged."""
        if self.earlier is None:
            return metrics
        first, earlier, _ = self.earlier
        share = self.batches.pictures(first) / self.batches.pictures(batches)
        return {
            name: share * earlier[name] + (1 - share) * value if name in earlier else value
            for name, value in metrics.items()
        }

    def _check(self, metrics: dict[str, float], epoch: int) -> None:
        wild = next((name for name, value in metrics.items() if not math.isfinite(value)), None)
        if wild is None:
            return
        folder = self.session.folder / checkpoints.FOLDER
        kept = f"; earlier checkpoints are in {folder}" if folder.exists() else ""
        raise TrainingError(
            f"epoch {epoch + 1}: {wild} is {metrics[wild]}",
            "a finite number",
            f"train with a lower learning rate (--learning-rate){kept}",
        )

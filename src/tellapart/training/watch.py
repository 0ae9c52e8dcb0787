"""What a training looks at as it goes: figures for the listener, the history, the best weights so far."""

from __future__ import annotations

import csv
import io
import math
import time
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.errors import TrainingError
from tellapart.files import write_text
from tellapart.networks.backend import keras
from tellapart.progress import Epoch, Listener, Note, Progress
from tellapart.training import checkpoints
from tellapart.training.batches import Batches
from tellapart.training.budget import Pace

HISTORY = "history.csv"


class Watch(keras.callbacks.Callback):
    """Tells the listener, writes the history, keeps the best weights, and lets no figure pass that is no number."""

    def __init__(
        self, network: keras.Model, epochs: int, batches: Batches, folder: Path, on_event: Listener, pace: Pace | None
    ) -> None:
        super().__init__()
        self.network, self.epochs, self.batches = network, epochs, batches
        self.folder, self.on_event, self.pace = folder, on_event, pace
        self.history: list[dict[str, float]] = []
        self.best, self.best_epoch = (-math.inf, -math.inf), 0
        self.best_weights: list[np.ndarray] = []
        self.metrics: dict[str, float] = {}
        """Of the batches of this epoch, as they were last looked at."""
        self.carried: tuple[int, dict[str, float], float] | None = None
        """Batches, figures and seconds of the same epoch before the training was broken off."""
        self.said_unwritten = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.began, self.epoch, self.said = time.monotonic(), epoch, 0.0
        self.began -= self.carried[2] if self.carried else 0.0
        self.done = self.batches.in_all

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras. Looking at the figures costs a wait for the device, so it is done a few times a second."""
        self.done = min(self.batches.first + batch + 1, self.batches.in_all)
        if time.monotonic() - self.said < 0.2:
            return
        self.said = time.monotonic()
        self.look(batch, logs)
        steps = self.batches.in_all
        done = self.epoch + self.done / steps
        total = round((self.pace.planned / steps if self.pace else self.epochs) * len(self.batches.data))
        pictures = min(round(done * len(self.batches.data)), total)
        self.on_event(Progress("train", pictures, total, "pictures", self.metrics))

    def look(self, batch: int, logs: dict[str, Any] | None) -> dict[str, float]:
        """The figures of the epoch up to a batch. Raises TrainingError where one is not finite."""
        found = {name: float(value) for name, value in (logs or {}).items()}
        self.metrics = self._whole(found, min(self.batches.first + batch + 1, self.batches.in_all))
        self._check(self.metrics, self.epoch)
        return self.metrics

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        found = {name: float(value) for name, value in (logs or {}).items()}
        row = {"epoch": epoch + 1} | self._whole(found, self.done)
        row["seconds"] = round(time.monotonic() - self.began, 3)
        self.carried = None
        self._check(row, epoch)
        value = (row["val_accuracy"], -row["val_loss"]) if "val_accuracy" in row else (float(epoch), 0.0)
        if value > self.best:
            weights = self.network.get_weights()
            if not all(np.isfinite(one).all() for one in weights):  # the last step's, which no figure has seen
                self._check({"a weight": math.nan}, epoch)
            self.best, self.best_epoch, self.best_weights = value, epoch + 1, weights
        self.history.append(row)
        self.write_history()
        steps = self.batches.in_all
        planned = self.epochs if self.pace is None else math.ceil(self.pace.planned / steps)
        self.on_event(Epoch(epoch + 1, max(planned, epoch + 1), row))

    def forget_best(self) -> None:
        """Let the next epoch's weights be the best: those so far were judged by smaller pictures."""
        self.best = (-math.inf, -math.inf)

    def write_history(self) -> None:
        """Write history.csv; that it cannot be written does not end a training."""
        if not self.history:
            return
        buffer = io.StringIO()
        metrics = sorted(set(self.history[0]) - {"epoch", "seconds"})
        writer = csv.DictWriter(buffer, fieldnames=["epoch", *metrics, "seconds"], lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.history)
        try:
            write_text(self.folder / HISTORY, buffer.getvalue())
        except OSError as error:
            if not self.said_unwritten:
                size = len(buffer.getvalue())
                self.on_event(
                    Note(f"note: {self.folder / HISTORY}: {size:,} bytes cannot be written ({error.strerror})")
                )
            self.said_unwritten = True

    def _whole(self, metrics: dict[str, float], batches: int) -> dict[str, float]:
        """Figures of an epoch's later batches and of those before it was broken off; validation's are of the end."""
        if self.carried is None:
            return metrics
        first, earlier, _ = self.carried
        before, behind = self.batches.pictures(first), self.batches.pictures(batches)
        share = before / behind
        return {
            name: share * earlier[name] + (1 - share) * value if name in earlier else value
            for name, value in metrics.items()
        }

    def _check(self, metrics: dict[str, float], epoch: int) -> None:
        wild = next((name for name, value in metrics.items() if not math.isfinite(value)), None)
        if wild is None:
            return
        folder = self.folder / checkpoints.FOLDER
        kept = f"; what it was before is in {folder}" if folder.exists() else ""
        raise TrainingError(
            f"epoch {epoch + 1}: {wild} is {metrics[wild]}",
            "a finite number",
            f"train with a lower learning rate (--set learning_rate=...){kept}",
        )

"""When checkpoints are written, and how a training stops when it is asked to."""

from __future__ import annotations

import time
from typing import Any

from tellapart.errors import CheckpointError, Stopped
from tellapart.networks.backend import NAME, keras
from tellapart.progress import Note
from tellapart.training.checkpoints import Checkpoints
from tellapart.training.run_folder import resume_command
from tellapart.training.session import Session
from tellapart.training.snapshot import Snapshot
from tellapart.training.state import State
from tellapart.training.stopping import Stopping
from tellapart.training.watch import Watch

FIRST = 1.0
"""Seconds until the first checkpoint."""

SHARE = 0.02
"""Checkpoints are written so rarely that they take at most this share of the training's time."""

PATIENCE = 4.0
"""Seconds after a request to stop, after which a validation is interrupted."""


class Saving(keras.callbacks.Callback):
    """Writes checkpoints between epochs and, within long epochs, between steps; stops the training when asked to."""

    def __init__(
        self, snapshot: Snapshot, store: Checkpoints, state: State, watch: Watch, session: Session, stopping: Stopping
    ) -> None:
        super().__init__()
        self.snapshot, self.store, self.state, self.watch = snapshot, store, state, watch
        self.session, self.stopping, self.batches = session, stopping, watch.batches
        self.saved_place = state.place
        """Where the newest checkpoint is."""
        self.before, self.started = state.seconds, time.monotonic()
        self.saved, self.cost = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Seconds of training so far, earlier processes included."""
        return self.before + time.monotonic() - self.started

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras. The callbacks before this one have restored the weights of training by now."""
        if (epoch, self.batches.first) != self.state.place:
            self.state.epoch, self.state.batch = epoch, 0
            self._maybe_save()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        done = self.batches.first + batch + 1
        if done < self.batches.per_epoch and (self.stopping.asked or self._due()):
            self.watch.read_metrics(batch, logs)
            self.state.epoch, self.state.batch = self.watch.epoch, done
            if NAME == "jax":
                self.model.jax_state_sync()
            self._maybe_save()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        if self.stopping.waited > PATIENCE:
            self.stop((self.watch.epoch, self.batches.per_epoch))

    def save(self, finished: bool = False) -> None:
        """Write a checkpoint. A failure is reported and tried again later: it must not end a training.

        Raises TrainingError if a weight is not finite.
        """
        started = time.monotonic()
        state = self.state
        state.finished, state.seconds = finished, self.seconds
        state.epoch_seconds = time.monotonic() - self.watch.started
        state.total_seconds = self.session.budget.used() if self.session.budget else 0.0
        checkpoint = self.snapshot.capture(state)
        try:
            self.store.write(checkpoint)
            self.saved_place = state.place
        except CheckpointError as error:
            later = "" if finished or self.stopping.asked else "; training continues, and this is tried again"
            self.session.on_event(Note(f"WARNING: {error.given}{later}", warning=True))
        self.saved = time.monotonic()
        self.cost = self.saved - started

    def stop(self, now: tuple[int, int]) -> None:
        """Raise Stopped. `now` is the place that was reached; the newest checkpoint may be of an earlier one."""
        if not self.store.good:
            kept = "no checkpoint could be written"
        elif self.saved_place == now:
            kept = "everything up to here is saved"
        else:
            epoch, batch = self.saved_place
            kept = f"the newest checkpoint is after {batch} of {self.batches.per_epoch} batches of epoch {epoch + 1}"
        folder = self.session.folder
        error = Stopped(
            f"{folder}: {self.stopping.reason} after {len(self.state.history)} epochs and {self.seconds:.0f} s of "
            "training",
            kept,
            resume_command(folder),
        )
        error.exit_code = self.stopping.exit_code
        raise error

    def _due(self) -> bool:
        every = self.session.save_every
        first_or_every = every if self.store.good else min(every, FIRST)
        wait = max(first_or_every, self.cost / SHARE) if first_or_every else 0.0
        return time.monotonic() - self.saved >= wait

    def _maybe_save(self) -> None:
        if self.stopping.asked or self._due():
            self.save()
        if self.stopping.asked:
            self.stop(self.state.place)

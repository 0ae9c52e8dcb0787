"""When a training is kept, and all that has to be kept so that it goes on as if it had never been broken off."""

from __future__ import annotations

import signal
import time
from typing import Any

import numpy as np

from tellapart.errors import CheckpointError, Stopped, TrainingError
from tellapart.networks.backend import NAME, keras
from tellapart.progress import Listener, Note
from tellapart.training.batches import Batches
from tellapart.training.budget import Budget, Pace
from tellapart.training.checkpoints import Checkpoint, Checkpoints
from tellapart.training.run import resume_command
from tellapart.training.stopping import Stopping
from tellapart.training.watch import Watch

SAVE_EVERY = 10.0
"""Seconds between two checkpoints, at least."""

FIRST = 1.0
"""Seconds until the first."""

SHARE = 0.02
"""Checkpoints are written as seldom as keeps the time for them at this share of the training's."""

PATIENCE = 4.0
"""Seconds from being asked to stop, after which a validation is broken off."""


class Saving(keras.callbacks.Callback):
    """Writes checkpoints between epochs and, within long ones, between steps; stops the training when it is asked to.

    `place` is (epochs, batches of the next) that lie behind; `spent` seconds of training before this process.
    """

    def __init__(
        self,
        checkpoints: Checkpoints,
        variables: dict[str, list[Any]],
        batches: Batches,
        watch: Watch,
        pace: Pace | None,
        budget: Budget | None,
        identity: dict[str, Any],
        every: float,
        stopping: Stopping,
        on_event: Listener,
    ) -> None:
        super().__init__()
        self.checkpoints, self.variables, self.batches, self.watch = checkpoints, variables, batches, watch
        self.pace, self.budget, self.identity, self.every = pace, budget, identity, every
        self.stopping, self.on_event = stopping, on_event
        self.place, self.phase = (0, 0), 0
        self.kept = (0, 0)
        """The place of the newest checkpoint."""
        self.spent, self.began = 0.0, time.monotonic()
        self.saved, self.cost = time.monotonic(), 0.0

    @property
    def seconds(self) -> float:
        """Of training so far, that of earlier processes included."""
        return self.spent + time.monotonic() - self.began

    def restore(self, checkpoint: Checkpoint) -> bool:
        """Put everything back as it was; whether the training had come to its end.

        Raises CheckpointError where the checkpoint is of another training.
        """
        values = checkpoint.values
        self._check_identity(checkpoint)
        for group, variables in self.variables.items():
            shapes = [tuple(variable.shape) for variable in variables]
            arrays = [checkpoint.arrays.get(f"{group}/{i}") for i in range(len(variables))]
            kept = [None if array is None else array.shape for array in arrays]
            if kept != shapes or f"{group}/{len(variables)}" in checkpoint.arrays:
                raise self._other(checkpoint, f"the {group} has other variables")
            for variable, array in zip(variables, arrays, strict=True):
                variable.assign(array)
        watch = self.watch
        watch.history = [dict(row) for row in values["history"]]
        watch.best, watch.best_epoch = tuple(values["best"]), int(values["best_epoch"])
        best = sum(name.startswith("best/") for name in checkpoint.arrays)
        watch.best_weights = [checkpoint.arrays[f"best/{i}"] for i in range(best)]
        self.place, self.phase = (int(values["epoch"]), int(values["batch"])), int(values["phase"])
        self.kept = self.place
        if self.place[1]:
            watch.carried = (self.place[1], dict(values["metrics"]), float(values["epoch_seconds"]))
        self.spent = float(values["seconds"])
        if self.pace is not None:
            self.pace.go_on(self.spent, int(values["steps"]), values["planned"])
        return bool(values["finished"])

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras. By now the callbacks before this one have made the weights those of training again."""
        if (epoch, self.batches.first) != self.place:
            self.place = (epoch, 0)
            self._perhaps()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        done = self.batches.first + batch + 1
        if done < self.batches.in_all and (self.stopping.asked or self._due()):
            self.watch.look(batch, logs)
            self.place = (self.watch.epoch, done)
            if NAME == "jax":
                self.model.jax_state_sync()
            self._perhaps()

    def on_test_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        if self.stopping.waited > PATIENCE:
            self.stop((self.watch.epoch, self.batches.in_all))

    def save(self, finished: bool = False) -> None:
        """Write a checkpoint. That there is no room for one is said, and tried again later: it must not end a training.

        Raises TrainingError where a weight is not finite.
        """
        began = time.monotonic()
        checkpoint = self._captured(finished)
        try:
            self.checkpoints.write(checkpoint)
            self.kept = self.place
        except CheckpointError as error:
            later = "" if finished or self.stopping.asked else "; training goes on, and it is tried again"
            self.on_event(Note(f"WARNING: {error.given}{later}"))
        self.saved = time.monotonic()
        self.cost = self.saved - began

    def stop(self, now: tuple[int, int]) -> None:
        """Raise Stopped: what the newest checkpoint holds is kept, which may be of before the place that is `now`."""
        number = self.stopping.signal or signal.SIGINT
        if not self.checkpoints.good:
            kept = "no checkpoint could be written"
        elif self.kept == now:
            kept = "what it had reached is kept"
        else:
            epoch, batch = self.kept
            kept = f"it is kept as it was after {batch} of {self.batches.in_all} batches of epoch {epoch + 1}"
        error = Stopped(
            f"{self.watch.folder}: stopped by {signal.Signals(number).name} after "
            f"{len(self.watch.history)} epochs and {self.seconds:.0f} s of training",
            kept,
            resume_command(self.watch.folder),
        )
        error.exit_code = 128 + number
        raise error

    def _due(self) -> bool:
        every = self.every if self.checkpoints.good else min(self.every, FIRST)
        wait = max(every, self.cost / SHARE) if self.every else 0.0
        return time.monotonic() - self.saved >= wait

    def _perhaps(self) -> None:
        if self.stopping.asked or self._due():
            self.save()
        if self.stopping.asked:
            self.stop(self.place)

    def _captured(self, finished: bool) -> Checkpoint:
        convert = keras.ops.convert_to_numpy
        arrays = {f"{group}/{i}": convert(v) for group, them in self.variables.items() for i, v in enumerate(them)}
        for name, array in arrays.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                group, i = name.split("/")
                raise TrainingError(
                    f"epoch {self.place[0] + 1}: {self.variables[group][int(i)].path} of the {group} is not finite",
                    "finite numbers",
                    "train with a lower learning rate (--set learning_rate=...)",
                )
        arrays |= {f"best/{i}": array for i, array in enumerate(self.watch.best_weights)}
        epoch, batch = self.place
        began = getattr(self.watch, "began", time.monotonic())
        values: dict[str, Any] = {
            "epoch": epoch,
            "batch": batch,
            "phase": self.phase,
            "finished": finished,
            "history": self.watch.history,
            "metrics": self.watch.metrics if batch else {},
            "epoch_seconds": time.monotonic() - began,
            "best": self.watch.best,
            "best_epoch": self.watch.best_epoch,
            "seconds": self.seconds,
            "in_all": self.budget.used() if self.budget else None,
            "steps": self.pace.done if self.pace else None,
            "planned": self.pace.planned if self.pace else None,
            "identity": self.identity,
        }
        return Checkpoint(values, arrays)

    def _check_identity(self, checkpoint: Checkpoint) -> None:
        kept = checkpoint.values["identity"]
        if kept.get("format") != self.identity["format"]:
            raise self._other(checkpoint, "another version of tellapart wrote it")
        for name, value in self.identity.items():
            if name == "versions":
                continue
            if kept.get(name) != value:
                differ = f"{name} was {_short(kept.get(name))} and is {_short(value)}"
                if name == "pictures":  # of which the digits say nothing
                    differ = "a picture, label or place of one has changed, or another can be read now"
                raise self._other(checkpoint, differ)
        changed = [
            f"{name} {kept['versions'].get(name)} is now {value}"
            for name, value in self.identity["versions"].items()
            if kept["versions"].get(name) != value
        ]
        if changed:
            self.on_event(
                Note(f"note: {', '.join(changed)}: the result may differ a little from an unbroken training's")
            )

    def _other(self, checkpoint: Checkpoint, what: str) -> CheckpointError:
        return CheckpointError(
            f"{checkpoint.path}: is of another training ({what})",
            "the pictures, recipe and options that the run was started with",
            "give those, or train anew, without --resume",
        )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


class Averaged(keras.callbacks.Callback):
    """Lets validation, and whoever looks between epochs, see the averaged weights; training sees its own.

    Keras's SwapEMAWeights does so too, but leaves the averaged weights in the network at the end of a `fit`, so that a
    training in several would not go on as it was.
    """

    inside = False

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(False)

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(True)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self._swap(False)

    def _swap(self, averages: bool) -> None:
        if self.inside == averages:
            return
        self.inside = averages
        optimizer = self.model.optimizer
        pairs = zip(optimizer._trainable_variables, optimizer._model_variables_moving_average, strict=True)
        for variable, average in pairs:
            value = keras.ops.convert_to_numpy(variable)
            variable.assign(average)
            average.assign(value)

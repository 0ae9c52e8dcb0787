"""Ending a training in time: measures its pace, and plans the end of the schedule by it after every few steps."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from tellapart.networks.backend import NAME, keras
from tellapart.training.budget import Budget
from tellapart.training.optimizers import plan_steps
from tellapart.training.state import State

RECENT = 0.25
"""The pace is that of the last quarter of the time trained so far, and of at least a quarter of the steps: a shared
machine changes its speed, and sometimes stops for seconds, which says nothing about the steps to come."""

SMALL_STEP = 0.6
"""First guess of a step's time on pictures of three quarters of their size, as a share of one on full-size pictures."""

VALIDATING = 0.55
"""First guess of the time to evaluate a picture during training, as a share of the time to train on it."""

EVALUATING = {"float32": 0.42, "bfloat16": 0.65}
"""The same after training, when ONNX Runtime evaluates in float32, by the precision of training."""

TRACING = 0.35
"""Seconds that tracing a validation takes, per second that tracing the first step took."""


@dataclass(frozen=True)
class Workload:
    """What a training does per epoch and afterwards.

    Pictures are small for the share `grow` of the time. An epoch has `steps_per_epoch` steps, `steps_at_once` between
    two calls, of `batch_size` pictures, and evaluates `validated` pictures at its end. The evaluation after training
    takes as long as training on `afterwards` pictures.
    """

    grow: float
    steps_per_epoch: int
    steps_at_once: int
    batch_size: int
    validated: int
    afterwards: float


class Pace(keras.callbacks.Callback):
    """Ends a training in time: after every few steps it plans how many there will be, and stops at the last.

    A training whose pictures grow has two phases, a fit each: the share `grow` of its time, and the rest. Keeps
    `state.steps` and `state.planned_steps`.
    """

    def __init__(self, budget: Budget, work: Workload, state: State) -> None:
        super().__init__()
        self.budget, self.work, self.state = budget, work, state
        state.planned_steps = state.planned_steps or float(work.steps_per_epoch)
        self.base, self.tracing = 0, 0.0
        self.first = 0
        """Steps of the current epoch that an earlier process did."""
        self.growing = self.stopped = self.over = False
        self.started: float | None = time.monotonic() - state.seconds if state.seconds else None
        self.validating: float | None = None
        self.marks: deque[tuple[float, int]] = deque()  # (seconds of training without validation, steps done)
        self.first_mark: tuple[float, int] | None = None  # of the phase
        self.away = state.seconds  # seconds since training started that were not spent on steps of this process

    @property
    def phase_over(self) -> bool:
        """Whether this phase has been stopped."""
        return self.over or self.stopped

    def start_phase(self, growing: bool) -> None:
        """Start a phase: one with smaller pictures, or the last."""
        self.growing, self.stopped = growing, False

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras: a phase starts or continues."""
        self.marks.clear()
        self.first_mark = None
        if self.started is None:
            self.started = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.base = self.state.steps
        self.left_of_epoch = self.work.steps_per_epoch - self.first

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras: called every few steps, with the number of the epoch's last step that is done."""
        float((logs or {"loss": 0})["loss"])  # waits for the device, if steps run ahead of Python
        assert self.started is not None
        self.state.steps = self.base + min(batch + 1, self.left_of_epoch)  # Keras may count past the last step
        elapsed = time.monotonic() - self.started
        self.marks.append((elapsed - self.away, self.state.steps))
        self.first_mark = self.first_mark or self.marks[0]
        if len(self.marks) == 1:  # the first steps of a phase are traced, which says nothing about its pace
            self.tracing = self.tracing or elapsed - self.away
            if self.budget.left() <= 0:
                self._stop()
            return
        self._plan(elapsed)

    def _plan(self, elapsed: float) -> None:
        """Plan the number of steps by the pace so far; stop the phase or the training if its time is over."""
        state, work = self.state, self.work
        step = self._step(elapsed - self.away)
        later = step / SMALL_STEP if self.growing else step
        validation = self._validation(step)
        usual = self._mean_step() / (SMALL_STEP if self.growing else 1)
        ready = self.budget.left() - self.budget.finishing(self.tracing, work.afterwards * usual / work.batch_size)
        ready -= validation
        extra = validation / work.steps_per_epoch
        growing = max(0.0, work.grow * (elapsed + ready) - elapsed) if self.growing else 0.0
        state.planned_steps = state.steps + growing / (step + extra) + max(0.0, ready - growing) / (later + extra)
        if NAME == "jax":
            self.model.jax_state_sync()
        plan_steps(self.model.optimizer, max(state.planned_steps, state.steps + 1))
        half = (step + extra) * work.steps_at_once / 2
        if ready < half:
            self._stop()
        elif self.growing and growing < half:
            self.stopped = self.model.stop_training = True  # the phase, not the training

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.test_started = time.monotonic()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        seconds = time.monotonic() - self.test_started
        if self.validating is None:  # the first one is traced, the later ones are not
            self.validating = max(seconds - TRACING * self.tracing, 0.25 * seconds)
        else:
            self.validating = seconds
        self.away += seconds

    def _step(self, trained: float) -> float:
        """Seconds a step, over the recent past."""
        first = self.first_mark[1] if self.first_mark else 0
        enough = self.state.steps - RECENT * (self.state.steps - first)
        while len(self.marks) > 2 and self.marks[1][0] < trained * (1 - RECENT) and self.marks[1][1] <= enough:
            self.marks.popleft()
        return _per_step(self.marks[0], self.marks[-1])

    def _mean_step(self) -> float:
        """Seconds a step, over the whole phase: the work after training is planned by it."""
        assert self.first_mark is not None
        return _per_step(self.first_mark, self.marks[-1])

    def _validation(self, step: float) -> float:
        if self.validating is not None:
            return self.validating
        validated = self.work.validated
        return validated * VALIDATING * step / self.work.batch_size + TRACING * self.tracing if validated else 0.0

    def _stop(self) -> None:
        self.state.planned_steps, self.over = float(self.state.steps), True
        self.model.stop_training = True


def _per_step(start: tuple[float, int], end: tuple[float, int]) -> float:
    """Seconds a step between two marks, (seconds, steps) each."""
    return max(end[0] - start[0], 1e-6) / (end[1] - start[1])  # some clocks tick only sixty times a second

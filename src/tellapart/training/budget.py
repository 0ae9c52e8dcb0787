"""A training that has to end in time: measures its own pace, and plans the schedule's end by it, again and again."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from tellapart.networks.backend import NAME, keras
from tellapart.training.measured import recall, remember
from tellapart.training.optimizers import plan_steps

RECENT = 0.25
"""The pace is that of the last quarter of the time trained so far, and of no fewer steps than a quarter: machines that
others share change theirs, and stand still for some seconds now and then, which says nothing of the steps to come."""

AROUND = 0.4
"""Seconds of a run that the program cannot see: until it has started, and from its last line to the prompt."""

FINISHING = 1.5
"""First guess of the seconds that saving, baselines and the report take, for each that tracing the first step took."""

CHILD = 12.0
"""First guess of the same where another backend than TensorFlow has a child process write the ONNX twin."""

SMALL_STEP = 0.6
"""First guess of a step's time with pictures of three quarters of their size, as a share of one with whole ones."""

VALIDATING = 0.55
"""First guess of the time of looking at a picture without learning from it, as a share of that of learning."""

EVALUATING = {"float32": 0.42, "bfloat16": 0.65}
"""The same after the training, when ONNX Runtime looks in float32, by the precision of learning."""

TRACING = 0.35
"""Seconds that tracing a validation takes, for each second that tracing the first step took."""


ODD, MOST_KNOWN = 5.0, 0.8
"""What took so many times what this run would guess was disturbed, it seems: it may take no more than this share of the
time that is given."""


class Budget:
    """Time for a whole run, from `began` on, a moment of time.monotonic(): reading, training, evaluating, saving.

    `key` names what the time after training depends on - machine, recipe, data -, so that it is known the next time.
    """

    def __init__(self, seconds: float, began: float, key: str) -> None:
        self.seconds, self.began = seconds, began
        self.end, self.key = began + seconds - AROUND, f"finishing: {key}"
        self.known = recall(self.key)  # once: it is asked for every few steps
        self.trained: float | None = None

    def left(self) -> float:
        """Seconds that are left."""
        return self.end - time.monotonic()

    def used(self) -> float:
        """Seconds that are gone."""
        return time.monotonic() - self.began

    def go_on(self, used: float) -> None:
        """So many seconds were used before this process began."""
        self.began, self.end = self.began - used, self.end - used

    def finishing(self, tracing: float, evaluating: float) -> float:
        """Seconds that will be needed after training: as the last time, or a guess by two figures of this run."""
        guess = FINISHING * tracing if NAME == "tensorflow" else CHILD
        if not self.known:
            return guess + evaluating
        odd = self.known > ODD * (guess + evaluating)
        return min(self.known, MOST_KNOWN * self.seconds) if odd else self.known

    def training_ended(self) -> None:
        """Training is over; the clock of what comes after it runs."""
        self.trained = time.monotonic()

    def all_ended(self, trained: float) -> str | None:
        """Everything is over, `trained` seconds of it spent on training: remember how long it took after training.

        Says so where the time was not kept: everything but training may take longer than what was given.
        """
        finished = 0.0 if self.trained is None else time.monotonic() - self.trained
        if self.trained is not None:
            remember(self.key, finished)
        taken = time.monotonic() - self.began + AROUND
        if taken < 0.5 * self.seconds and self.known and self.known > 2 * finished:
            return (
                f"note: {taken:.0f} s and not {self.seconds:.0f}: evaluating and saving took far longer the last time, "
                "by which this was planned; the next one is planned by this"
            )
        if taken <= 1.05 * self.seconds:
            return None
        return (
            f"note: {taken:.0f} s and not {self.seconds:.0f}: reading, starting, evaluating and saving alone take "
            f"{taken - trained:.0f} s here"
        )


class Pace(keras.callbacks.Callback):
    """Ends a training in time: after every few steps it plans how many there will be, and stops at the last.

    A training in which pictures `grow` has two phases, a fit each: of the share `grow` of its time, and of the rest.
    `steps_an_epoch` and `at_once` are those of the fits; `validated` pictures are looked at after each epoch; looking
    at others after the training takes as long as learning from `afterwards` of them.
    """

    def __init__(
        self,
        budget: Budget,
        grow: float,
        steps_an_epoch: int,
        at_once: int,
        batch: int,
        validated: int,
        afterwards: float,
    ) -> None:
        super().__init__()
        self.budget, self.grow, self.steps_an_epoch, self.at_once = budget, grow, steps_an_epoch, at_once
        self.batch, self.validated, self.afterwards = batch, validated, afterwards
        self.planned = float(steps_an_epoch)
        self.done, self.base, self.tracing = 0, 0, 0.0
        self.first = 0
        """Steps of the epoch that lie behind: of one that was broken off and goes on."""
        self.growing = self.stopped = self.over = False
        self.began: float | None = None
        self.validating: float | None = None
        self.marks: deque[tuple[float, int]] = deque()  # (seconds of pure training, steps done)
        self.first_mark: tuple[float, int] | None = None  # of the phase
        self.away = 0.0  # seconds spent on validation since training began

    @property
    def phase_over(self) -> bool:
        """Whether this phase has been stopped."""
        return self.over or self.stopped

    def begin(self, growing: bool) -> None:
        """Begin a phase: one in which pictures are smaller, or the last."""
        self.growing, self.stopped = growing, False

    def go_on(self, seconds: float, steps: int, planned: float) -> None:
        """So much of the training, in steps that `planned` more, lies behind another process."""
        self.began, self.done, self.planned = time.monotonic() - seconds, steps, planned
        self.away = seconds

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras: a phase begins, or goes on."""
        self.marks.clear()
        self.first_mark = None
        if self.began is None:
            self.began = time.monotonic()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.base = self.done
        self.left_of_epoch = self.steps_an_epoch - self.first

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """See Keras: called every few steps, with the number of the epoch's last step that is done."""
        float((logs or {"loss": 0})["loss"])  # waits for the device, where the steps run on while Python does
        assert self.began is not None
        self.done = self.base + min(batch + 1, self.left_of_epoch)  # Keras counts the last steps as if there were more
        elapsed = time.monotonic() - self.began
        self.marks.append((elapsed - self.away, self.done))
        self.first_mark = self.first_mark or self.marks[0]
        if len(self.marks) == 1:  # the first steps of a phase are traced: they say nothing of its pace
            self.tracing = self.tracing or elapsed - self.away
            if self.budget.left() <= 0:
                self._stop()
            return
        step = self._step(elapsed - self.away)
        later = step / SMALL_STEP if self.growing else step
        validation = self._validation(step)
        usual = self._mean_step() / (SMALL_STEP if self.growing else 1)
        ready = self.budget.left() - self.budget.finishing(self.tracing, self.afterwards * usual / self.batch)
        ready -= validation
        extra = validation / self.steps_an_epoch
        growing = max(0.0, self.grow * (elapsed + ready) - elapsed) if self.growing else 0.0
        self.planned = self.done + growing / (step + extra) + max(0.0, ready - growing) / (later + extra)
        if NAME == "jax":
            self.model.jax_state_sync()
        plan_steps(self.model.optimizer, max(self.planned, self.done + 1))
        half = (step + extra) * self.at_once / 2
        if ready < half:
            self._stop()
        elif self.growing and growing < half:
            self.stopped = self.model.stop_training = True  # the phase, not the training

    def on_test_begin(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        self.test_began = time.monotonic()

    def on_test_end(self, logs: dict[str, Any] | None = None) -> None:
        """See Keras."""
        seconds = time.monotonic() - self.test_began
        if self.validating is None:  # the first one is traced, which the later ones are not
            self.validating = max(seconds - TRACING * self.tracing, 0.25 * seconds)
        else:
            self.validating = seconds
        self.away += seconds

    def _step(self, trained: float) -> float:
        """Seconds a step, over the recent past."""
        first = self.first_mark[1] if self.first_mark else 0
        enough = self.done - RECENT * (self.done - first)
        while len(self.marks) > 2 and self.marks[1][0] < trained * (1 - RECENT) and self.marks[1][1] <= enough:
            self.marks.popleft()
        (then, before), (now, done) = self.marks[0], self.marks[-1]
        return max(now - then, 1e-6) / (done - before)  # some clocks tick sixty times a second only

    def _mean_step(self) -> float:
        """Seconds a step, over all of the phase: what comes after training is planned by it."""
        assert self.first_mark is not None
        (then, before), (now, done) = self.first_mark, self.marks[-1]
        return max(now - then, 1e-6) / (done - before)  # some clocks tick sixty times a second only

    def _validation(self, step: float) -> float:
        if self.validating is not None:
            return self.validating
        return self.validated * VALIDATING * step / self.batch + TRACING * self.tracing if self.validated else 0.0

    def _stop(self) -> None:
        self.planned, self.over = self.done, True
        self.model.stop_training = True

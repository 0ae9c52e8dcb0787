"""The time budget of a whole run: how much is left, and how much of it the work after training will need."""

from __future__ import annotations

import time

from tellapart.training.measured import recall, remember

AROUND = 0.4
"""Seconds of a run that the program cannot measure: before it has started, and from its last line to the prompt."""

FINISHING = 1.5
"""First guess of the seconds for saving, baselines and the report, per second that tracing the first step took."""

CHILD = 12.0
"""First guess of the same with another backend than TensorFlow, where a child process writes the ONNX copy."""

ODD, MOST_KNOWN = 5.0, 0.8
"""A remembered time above ODD times this run's guess was probably a disturbance: it may claim at most the share
MOST_KNOWN of the budget."""


class Budget:
    """Time for a whole run: reading, training, evaluating, saving.

    `started` is a moment of time.monotonic(). `key` names what the time after training depends on (machine, recipe,
    data), so that the next run knows it. `evaluated` is the number of views that the evaluation after training needs.
    """

    def __init__(self, seconds: float, started: float, key: str, evaluated: int = 0) -> None:
        self.seconds, self.started, self.evaluated = seconds, started, evaluated
        self.end, self.key = started + seconds - AROUND, f"finishing: {key}"
        self.known = recall(self.key)  # once, since it is needed every few steps
        self.trained: float | None = None

    def left(self) -> float:
        """Seconds left."""
        return self.end - time.monotonic()

    def used(self) -> float:
        """Seconds used."""
        return time.monotonic() - self.started

    def resume(self, used: float) -> None:
        """Count `used` seconds of earlier processes as used."""
        self.started, self.end = self.started - used, self.end - used

    def finishing(self, tracing: float, evaluating: float) -> float:
        """Seconds needed after training: as remembered, or a guess from two measurements of this run, in seconds."""
        from tellapart.networks.backend import NAME  # here: a frozen backbone is trained without Keras

        guess = FINISHING * tracing if NAME == "tensorflow" else CHILD
        if not self.known:
            return guess + evaluating
        odd = self.known > ODD * (guess + evaluating)
        return min(self.known, MOST_KNOWN * self.seconds) if odd else self.known

    def training_ended(self) -> None:
        """Start the clock of what comes after training."""
        self.trained = time.monotonic()

    def all_ended(self, trained: float) -> str | None:
        """End the run, of which `trained` seconds were training; remember how long the work after training took.

        Returns a note if the run missed its budget: everything but training may take longer than the time given.
        """
        finished = 0.0 if self.trained is None else time.monotonic() - self.trained
        if self.trained is not None:
            remember(self.key, finished)
        taken = time.monotonic() - self.started + AROUND
        if taken < 0.5 * self.seconds and self.known and self.known > 2 * finished:
            return (
                f"note: took {taken:.0f} s instead of {self.seconds:.0f} s: evaluation and saving were planned to take "
                "as long as in the previous run, which was much slower; the next plan will use this run's time"
            )
        if taken <= 1.05 * self.seconds:
            return None
        return (
            f"note: took {taken:.0f} s instead of {self.seconds:.0f} s: reading, start-up, evaluation and saving alone "
            f"take {taken - trained:.0f} s on this machine"
        )

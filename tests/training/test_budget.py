"""A training that ends in time, on a clock of our own: nothing here waits."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from tellapart.recipes.recipe import Recipe
from tellapart.training import budget as module
from tellapart.training.budget import AROUND, Budget
from tellapart.training.measured import recall
from tellapart.training.optimizers import make_optimizer
from tellapart.training.pace import Pace, Workload
from tellapart.training.state import State

STEPS, AT_ONCE = 50, 5
"""Steps an epoch, and between two calls of the callback."""


@pytest.fixture
def clock(monkeypatch, tmp_path):
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path))
    now = SimpleNamespace(seconds=1000.0)
    monkeypatch.setattr(module.time, "monotonic", lambda: now.seconds)
    return now


def train(clock, seconds, step=lambda now: 0.05, tracing=2.0, validation=0.5, validated=500, afterwards=550,
          grow=0.0):  # fmt: skip
    """Play a training whose first fit starts 3 s into the run; returns its pace, the rates of all steps, its end in s.

    Small pictures take 0.7 of a step's time, not quite what the pace guesses.
    """
    budget = Budget(seconds, clock.seconds, "test")
    began = clock.seconds
    clock.seconds += 3
    optimizer = make_optimizer(
        Recipe(name="x", network=lambda shape, classes: None, schedule="linear", learning_rate=1.0), 20 * STEPS
    )
    pace = Pace(budget, Workload(grow, STEPS, AT_ONCE, 100, validated, afterwards), State())
    model = SimpleNamespace(optimizer=optimizer, stop_training=False)
    pace.set_model(model)
    rates, done, epoch = [], 0, 0
    for small in (True, False) if grow else (False,):
        model.stop_training, traced = False, False
        pace.on_train_begin()
        while not model.stop_training:
            pace.on_epoch_begin(epoch)
            for batch in range(AT_ONCE - 1, STEPS, AT_ONCE):
                planned = float(optimizer._learning_rate.steps)
                rates += [max(0, 1 - (done + i) / planned) for i in range(AT_ONCE)]
                clock.seconds += AT_ONCE * step(clock.seconds - began) * (0.7 if small else 1)
                clock.seconds += 0 if traced else tracing
                traced = True
                done += AT_ONCE
                pace.on_train_batch_end(batch, {"loss": 1.0})
                if model.stop_training:
                    break
            pace.on_test_begin()
            clock.seconds += validation + (tracing / 3 if epoch == 0 else 0)
            pace.on_test_end()
            epoch += 1
        if pace.over:
            break
    budget.training_ended()
    return pace, rates, clock.seconds - began


@pytest.mark.parametrize("seconds", (15, 60, 600))
def test_it_leaves_the_time_that_is_needed_afterwards(clock, seconds):
    module.remember("finishing: test", 2.5)
    pace, rates, ended = train(clock, seconds)
    assert ended + 2.5 + AROUND == pytest.approx(seconds, abs=0.4)
    assert pace.state.planned_steps == pace.state.steps == len(rates)
    assert rates[-1] < 0.05 if seconds > 30 else rates[-1] < 0.2  # the rate reaches its end


def test_a_machine_that_changes_its_speed_changes_the_plan(clock):
    module.remember("finishing: test", 2.5)
    _, rates, ended = train(clock, 120, step=lambda now: 0.05 if now < 60 else 0.11)
    assert ended + 2.5 + AROUND == pytest.approx(120, abs=1.2)
    assert rates[-1] < 0.05
    assert (np.diff(rates) <= 0.1).all()


def test_a_machine_that_stands_still_for_a_moment_does_not_end_the_training(clock):
    """Six seconds between two calls, among steps of 0.05 s, with much to evaluate afterwards."""
    stood = []

    def step(now):
        if now < 20 or stood:
            return 0.05
        stood.append(now)
        return 6 / AT_ONCE

    pace, rates, ended = train(clock, 120, step=step, afterwards=9_400)
    assert stood
    assert ended > 100
    assert rates[-1] < 0.05
    assert pace.state.steps > 1_300


def test_the_first_time_it_guesses_and_then_it_knows(clock):
    train(clock, 60)
    budget = Budget(60, clock.seconds, "test")
    assert budget.finishing(2.0, 0.3) == pytest.approx(module.FINISHING * 2 + 0.3)
    budget.training_ended()
    clock.seconds += 4.25
    assert budget.all_ended(5.0) is None
    assert recall("finishing: test") == 4.25
    assert Budget(60, clock.seconds, "test").finishing(2.0, 0.3) == 4.25
    assert Budget(60, clock.seconds, "another").finishing(2.0, 0.3) != 4.25


def test_time_that_was_not_kept_is_said(clock):
    budget = Budget(10, clock.seconds, "test")
    clock.seconds += 12
    budget.training_ended()
    clock.seconds += 4 - AROUND
    assert budget.all_ended(3.0) == (
        "note: took 16 s instead of 10 s: reading, start-up, evaluation and saving alone take 13 s on this machine"
    )


def test_a_budget_that_is_over_before_training_ends_after_the_first_steps(clock):
    _, rates, _ = train(clock, 1)
    assert len(rates) == AT_ONCE


def test_without_validation(clock):
    module.remember("finishing: test", 2.5)
    _, _, ended = train(clock, 60, validation=0.0, validated=0)
    assert math.isclose(ended + 2.5 + AROUND, 60, abs_tol=0.8)


def test_pictures_that_grow(clock):
    module.remember("finishing: test", 2.5)
    pace, rates, ended = train(clock, 120, grow=0.5)
    assert ended + 2.5 + AROUND == pytest.approx(120, abs=1.2)
    assert rates[-1] < 0.05
    halfway = 0.5 * (ended - 3)
    assert 0.6 * halfway / 0.05 < pace.state.steps - 0.5 * halfway / 0.05 < 1.9 * halfway / 0.05


def test_time_that_ends_while_they_are_small_ends_everything(clock):
    module.remember("finishing: test", 50)
    pace, rates, _ = train(clock, 30, grow=0.5)
    assert pace.over
    assert len(rates) == 2 * AT_ONCE


def test_a_finish_that_was_disturbed_the_last_time_does_not_take_all_of_the_next(clock):
    module.remember("finishing: test", 600)
    budget = Budget(300, clock.seconds, "test")
    assert budget.finishing(2.0, 0.3) == 0.8 * 300
    clock.seconds += 60
    budget.training_ended()
    clock.seconds += 5
    assert budget.all_ended(50.0) == (
        "note: took 65 s instead of 300 s: evaluation and saving were planned to take as long as in the previous "
        "run, which was much slower; the next plan will use this run's time"
    )
    assert Budget(300, clock.seconds, "test").finishing(2.0, 0.3) == 5

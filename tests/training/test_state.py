import json
import math

import numpy as np

from tellapart.training.state import State


def test_it_comes_back_from_json():
    state = State(epoch=2, batch=3, phase=1, history=[{"epoch": 1, "loss": 0.5}], metrics={"loss": 0.25})
    state.best, state.best_epoch, state.best_weights = (0.75, -0.5), 2, [np.arange(3.0)]
    state.seconds, state.total_seconds, state.steps, state.planned_steps = 1.5, 2.5, 13, 40.5
    values = json.loads(json.dumps(state.values()))
    again = State.from_values(values, state.best_weights)
    assert again == state
    assert "best_weights" not in values


def test_a_checkpoint_of_an_earlier_version_has_no_size():
    values = State(epoch=2).values()
    del values["size"]
    assert State.from_values(values, []) == State(epoch=2)


def test_a_new_state_has_no_best_epoch_yet():
    state = State()
    assert state.place == (0, 0)
    assert state.best < (0.0, -math.inf)


def test_the_next_epoch_can_be_made_the_best():
    state = State(best=(0.9, -0.1), best_epoch=4)
    state.forget_best()
    assert state.best == (-math.inf, -math.inf)
    assert state.best_epoch == 4

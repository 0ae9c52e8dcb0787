import keras
import numpy as np
import pytest

from tellapart.recipes.recipe import Recipe
from tellapart.training.optimizers import WarmupThenFall, add_penalties, make_loss, make_optimizer, plan_steps


def recipe(**fields):
    return Recipe(name="x", network=lambda shape, classes: None, **fields)


@pytest.mark.parametrize("name", ("adam", "adamw", "sgd", "rmsprop", "adadelta", "adagrad", "nadam", "lion", "muon"))
def test_every_optimizer_takes_a_step(name):
    optimizer = make_optimizer(recipe(optimizer=name, learning_rate=0.1, momentum=0.5), steps=10)
    variable = keras.Variable(np.ones(3, np.float32))
    optimizer.apply([keras.ops.convert_to_tensor(np.ones(3, np.float32))], [variable])
    assert (keras.ops.convert_to_numpy(variable) < 1).all()


def test_sgd_is_the_textbooks():
    optimizer = make_optimizer(recipe(optimizer="sgd", learning_rate=0.1), steps=10)
    variable = keras.Variable(np.array([1.0, 2.0], np.float32))
    optimizer.apply([keras.ops.convert_to_tensor(np.array([1.0, -1.0], np.float32))], [variable])
    assert keras.ops.convert_to_numpy(variable) == pytest.approx([0.9, 2.1])


@pytest.mark.parametrize("kind", ("linear", "cosine", "constant"))
def test_the_schedule_rises_and_falls(kind):
    rate = WarmupThenFall(kind, peak=2.0, warmup=0.1, steps=100)
    values = np.array([float(rate(step)) for step in range(100)])
    assert np.allclose(np.diff(values[:10]), 0.2, atol=1e-5)
    assert values.max() == pytest.approx(2.0, rel=0.02)
    assert (values > 0).all()
    if kind == "constant":
        assert np.allclose(values[10:], 2.0)
    else:
        assert (np.diff(values[11:]) < 1e-6).all()
        assert values[-1] < 0.05
        assert values[55] == pytest.approx(1.0, rel=0.03)


def test_the_schedules_end_can_be_moved_on_the_way():
    optimizer = make_optimizer(recipe(optimizer="sgd", learning_rate=1.0, schedule="linear"), steps=10)
    variable = keras.Variable(np.zeros(1, np.float32))
    seen = []
    for step in range(5):
        if step == 2:
            plan_steps(optimizer, 4)
        before = float(variable[0])
        optimizer.apply([keras.ops.convert_to_tensor(np.ones(1, np.float32))], [variable])
        seen.append(before - float(variable[0]))
    assert seen == pytest.approx([1, 0.9, 0.5, 0.25, 0], abs=1e-6)
    plan_steps(make_optimizer(recipe(), steps=10), 4)  # a constant rate has no end to move


def test_losses():
    labels, outputs = np.array([[0.0, 1.0]], np.float32), np.array([[0.25, 0.75]], np.float32)
    assert float(make_loss(recipe(), 2)(labels, outputs)) == pytest.approx(-np.log(0.75), rel=1e-5)
    assert float(make_loss(recipe(loss="mean-squared-error"), 2)(labels, outputs)) == pytest.approx(0.0625)
    binary = make_loss(recipe(), 1)(np.array([[1.0]], np.float32), np.array([[0.75]], np.float32))
    assert float(binary) == pytest.approx(-np.log(0.75), rel=1e-5)
    smooth = make_loss(recipe(label_smoothing=0.2), 2)(labels, outputs)
    assert float(smooth) == pytest.approx(-0.9 * np.log(0.75) - 0.1 * np.log(0.25), rel=1e-5)


def test_penalties_fall_on_kernels_only():
    network = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")]
    )
    add_penalties(network, l1=0.1, l2=0.01)
    assert float(sum(network.losses)) == pytest.approx(6 * 0.1 + 6 * 0.01, rel=1e-5)
    plain = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    add_penalties(plain, 0, 0)
    assert plain.losses == []


def test_decay_pulls_kernels_and_leaves_biases():
    layer = keras.layers.Dense(2, kernel_initializer="ones", bias_initializer="ones")
    layer.build((None, 3))
    optimizer = make_optimizer(recipe(optimizer="adamw", learning_rate=0.1, weight_decay=0.5), steps=10)
    optimizer.build(layer.trainable_variables)
    zeros = [keras.ops.zeros_like(variable) for variable in layer.trainable_variables]
    optimizer.apply(zeros, layer.trainable_variables)
    assert keras.ops.convert_to_numpy(layer.kernel) == pytest.approx(0.95)
    assert keras.ops.convert_to_numpy(layer.bias) == pytest.approx(1.0)


@pytest.mark.parametrize("name", ("adam", "adamw"))
def test_no_decay_is_no_decay(name):
    layer = keras.layers.Dense(2, kernel_initializer="ones")
    layer.build((None, 3))
    optimizer = make_optimizer(recipe(optimizer=name, learning_rate=0.5), steps=10)
    zeros = [keras.ops.zeros_like(variable) for variable in layer.trainable_variables]
    optimizer.apply(zeros, layer.trainable_variables)
    assert keras.ops.convert_to_numpy(layer.kernel) == pytest.approx(1.0)


def test_squared_errors_are_of_smoothed_labels():
    smooth = recipe(loss="mean-squared-error", label_smoothing=0.2)
    labels = np.array([[1.0, 0, 0, 0]], np.float32)
    answers = np.array([[0.85, 0.05, 0.05, 0.05]], np.float32)
    assert float(make_loss(smooth, 4)(labels, answers)) == pytest.approx(0, abs=1e-9)
    assert float(make_loss(smooth, 1)(labels[:, :1], answers[:, :1])) == pytest.approx(0.05**2, rel=1e-3)

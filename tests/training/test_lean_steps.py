"""An optimizer's step in fewer operations changes weights as Keras's own does."""

import keras
import numpy as np
import pytest

from tellapart.networks.backend import NAME
from tellapart.training.lean_steps import make_lean
from tellapart.training.optimizers import WarmupThenFall

STEPS = 6


def trained(kind, lean, **options):
    """The weights after some steps, and the running averages, if there are any."""
    keras.utils.set_random_seed(3)
    layers = [keras.Input((6,)), keras.layers.Dense(5, activation="relu"), keras.layers.Dense(3, activation="softmax")]
    network = keras.Sequential(layers)
    optimizer = kind(WarmupThenFall("cosine", 0.05, 0.3, float(STEPS)), **options)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.finalize_variable_values = lambda variables: None
    if lean:
        make_lean(optimizer)
    network.compile(optimizer, "categorical_crossentropy", jit_compile=False)
    rng = np.random.default_rng(0)
    pixels, wanted = rng.normal(0, 1, (8 * STEPS, 6)).astype(np.float32), np.eye(3)[np.arange(8 * STEPS) % 3]
    network.fit(pixels, wanted, batch_size=8, shuffle=False, verbose=0)
    averages = getattr(optimizer, "_model_variables_moving_average", None) or []
    return [*network.get_weights(), *map(keras.ops.convert_to_numpy, averages)]


@pytest.mark.parametrize(
    ("kind", "options"),
    (
        (keras.optimizers.Adam, {}),
        (keras.optimizers.Adam, {"amsgrad": True}),
        (keras.optimizers.AdamW, {"weight_decay": 0.3, "use_ema": True, "ema_momentum": 0.8}),
        (keras.optimizers.SGD, {"momentum": 0.9, "weight_decay": 0.3, "use_ema": True, "ema_momentum": 0.8}),
    ),
)
def test_it_is_the_same_step(kind, options):
    plain, lean = trained(kind, False, **options), trained(kind, True, **options)
    assert len(plain) == (8 if "use_ema" in options else 4)
    for expected, got in zip(plain, lean, strict=True):
        assert np.allclose(expected, got, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(NAME != "tensorflow", reason="the operations of a graph of TensorFlow are counted")
def test_the_graph_has_a_fraction_of_the_operations():
    import tensorflow as tf

    def operations(lean):
        weights = [keras.Variable(np.ones((3, 3), np.float32), name=f"kernel{i}") for i in range(20)]
        rate = WarmupThenFall("cosine", 0.05, 0.3, 10.0)
        optimizer = keras.optimizers.AdamW(rate, weight_decay=0.1, use_ema=True)
        if lean:
            make_lean(optimizer)
        optimizer.build(weights)
        traced = tf.function(lambda: optimizer.apply([tf.ones((3, 3))] * 20, weights)).get_concrete_function()
        return len(traced.graph.get_operations())

    assert operations(lean=True) < operations(lean=False) / 3

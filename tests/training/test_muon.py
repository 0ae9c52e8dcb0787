import keras
import numpy as np
import pytest

from tellapart.training.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", ((3, 3, 16, 8), (2, 2, 2, 24), (1, 1, 5, 5)))
def test_singular_values_come_near_one(shape):
    kernel = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    got = keras.ops.convert_to_numpy(orthogonal(keras.ops.convert_to_tensor(kernel))).reshape(-1, shape[-1])
    values = np.linalg.svd(got, compute_uv=False)
    before = np.linalg.svd(kernel.reshape(-1, shape[-1]), compute_uv=False)
    assert values.min() > 0.3
    assert values.max() < 1.6
    assert values.max() / values.min() < before.max() / before.min() + 1e-3


def test_kernels_keep_their_norm_and_descend():
    kernel = keras.Variable(np.random.default_rng(1).normal(size=(3, 3, 4, 8)).astype(np.float32))
    target = np.random.default_rng(2).normal(size=(3, 3, 4, 8)).astype(np.float32)
    optimizer = Muon(learning_rate=0.05)
    optimizer.build([kernel])
    products = []
    for _ in range(60):
        products.append(float((keras.ops.convert_to_numpy(kernel) * target).sum()))
        optimizer.apply([keras.ops.convert_to_tensor(-target)], [kernel])
    assert products[-1] > products[0] + 10
    assert np.linalg.norm(keras.ops.convert_to_numpy(kernel)) == pytest.approx(np.sqrt(8), rel=0.2)


def test_everything_else_gets_adam():
    bias = keras.Variable(np.zeros(3, np.float32))
    optimizer = Muon(learning_rate=0.5, adam_share=0.1)
    optimizer.build([bias])
    optimizer.apply([keras.ops.convert_to_tensor(np.array([1.0, -2.0, 0.0], np.float32))], [bias])
    assert keras.ops.convert_to_numpy(bias) == pytest.approx([-0.05, 0.05, 0.0], abs=1e-5)


def test_its_settings_survive():
    config = Muon(learning_rate=0.3, momentum=0.7, adam_decay=0.1).get_config()
    again = Muon.from_config(config)
    assert (again.momentum, again.adam_decay) == (0.7, 0.1)

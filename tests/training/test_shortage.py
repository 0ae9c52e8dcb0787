import keras
import pytest

from tellapart.recipes.find import find_recipe
from tellapart.training import shortage
from tellapart.training.shortage import check_memory, ran_out, smaller


def test_what_says_that_memory_ran_out():
    for error in (
        MemoryError(),
        RuntimeError("OOM when allocating tensor with shape[512,512] and type float on CPU"),
        ValueError("RESOURCE_EXHAUSTED: Out of memory allocating 4294967296 bytes"),
        RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    ):
        assert ran_out(error)
    assert not ran_out(ValueError("shapes do not match"))
    assert not ran_out(KeyboardInterrupt())


def test_the_rate_follows_the_batch():
    recipe = find_recipe("quick").changed({"batch_size": 64, "learning_rate": 0.2}, "x").recipe
    assert (smaller(recipe).batch_size, smaller(recipe).learning_rate) == (32, pytest.approx(0.1))
    adam = recipe.model_copy(update={"optimizer": "adam"})
    assert smaller(adam).learning_rate == pytest.approx(0.2 / 2**0.5)
    assert smaller(recipe.model_copy(update={"batch_size": 7})) is None


def test_a_step_that_is_too_large_is_named_beforehand(monkeypatch):
    network = keras.Sequential(
        [keras.Input((64, 64, 3)), keras.layers.Conv2D(32, 3), keras.layers.Flatten(), keras.layers.Dense(2)]
    )
    monkeypatch.setattr(shortage, "available", lambda: 10**9)
    check_memory(network, 64)
    with pytest.raises(MemoryError, match=r"it needs about \d+\.\d GiB, and 0\.9 are free"):
        check_memory(network, 1024)
    monkeypatch.setattr(shortage, "available", lambda: None)
    check_memory(network, 1024)

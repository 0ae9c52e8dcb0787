import keras
import numpy as np
import pytest

from tellapart.recipes.layers import Shift


def moved(picture, dy, dx):
    """A picture moved by whole pixels with its edges mirrored, by plain NumPy."""
    padded = np.pad(picture, ((4, 4), (4, 4), (0, 0)), mode="reflect")
    return padded[4 + dy : 4 + dy + picture.shape[0], 4 + dx : 4 + dx + picture.shape[1]]


@pytest.mark.parametrize("channels", (1, 3))
def test_each_picture_is_one_of_the_whole_pixel_shifts(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 20, 10, channels)).astype(np.float32)
    got = keras.ops.convert_to_numpy(Shift(0.1, seed=3)(pixels, training=True))
    seen = set()
    for before, after in zip(pixels, got, strict=True):
        matches = {
            (dy, dx) for dy in range(-2, 3) for dx in range(-1, 2) if np.array_equal(moved(before, dy, dx), after)
        }
        assert len(matches) == 1
        seen |= matches
    assert len(seen) > 10


def test_it_rests_outside_training():
    pixels = np.ones((2, 8, 8, 1), np.float32)
    assert np.array_equal(keras.ops.convert_to_numpy(Shift(0.5)(pixels)), pixels)
    assert Shift.from_config(Shift(0.5, seed=2).get_config()).fraction == 0.5

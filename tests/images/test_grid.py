import numpy as np

from tellapart.images.grid import grid_means


def test_fields_are_means():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3)).astype(np.uint8)
    expected = pixels.reshape(2, 8, 2, 8, 3, 3).mean(axis=(2, 4)) / 255
    assert np.allclose(np.sort(grid_means(pixels)), np.sort(expected.reshape(2, -1)), atol=1e-5)
    assert np.allclose(grid_means(np.full((1, 10, 9, 1), 51, np.uint8)), 0.2)
    assert grid_means(np.full((1, 3, 5, 1), 51, np.uint8)).shape == (1, 64)

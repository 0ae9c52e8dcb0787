import io

import numpy as np
import pytest
from PIL import Image, features

from tellapart.images.write import as_file, enlarged, resized_map, within


@pytest.mark.parametrize("channels", (1, 3))
def test_small_pictures_are_kept_exactly(channels):
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, channels), np.uint8)
    data, kind = as_file(pixels)
    assert kind == "image/png"
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data))).reshape(pixels.shape), pixels)


def test_large_pictures_are_small_files(monkeypatch):
    rows, columns = np.mgrid[:180, :240]
    waves = np.stack([np.sin(rows / 9), np.cos(columns / 7), np.sin((rows + columns) / 11)], axis=2)
    pixels = (128 + 90 * waves + np.random.default_rng(0).normal(0, 4, waves.shape)).clip(0, 255).astype(np.uint8)
    data, kind = as_file(pixels)
    assert kind == "image/webp"
    assert len(data) < 12_000
    monkeypatch.setattr(features, "check", lambda name: False)
    assert as_file(pixels)[1] == "image/jpeg"


def test_pictures_are_reduced_but_never_enlarged():
    assert within(np.zeros((100, 50, 3), np.uint8), 20).shape == (20, 10, 3)
    small = np.zeros((10, 5, 1), np.uint8)
    assert within(small, 20) is small


def test_tiny_pictures_are_enlarged_pixel_by_pixel():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3, 1)
    large = enlarged(pixels, 9)
    assert large.shape == (6, 9, 1)
    assert np.array_equal(large[::3, ::3], pixels)
    assert enlarged(np.zeros((100, 300, 3), np.uint8), 200).shape == (100, 300, 3)


def test_maps_become_smooth_and_keep_their_range():
    values = np.zeros((4, 4))
    values[1, 1] = 1
    large = resized_map(values, 40, 60)
    assert large.shape == (40, 60)
    assert 0 <= large.min() < 0.01
    assert 0.9 < large.max() <= 1
    assert np.abs(np.diff(large, axis=1)).max() < 0.2

import keras
import numpy as np
import pytest
from pydantic import ValidationError

from tellapart.recipes.augmentation import Augmentation


def applied(augmentation, pixels):
    x = keras.ops.convert_to_tensor(pixels)
    for layer in augmentation.layers(seed=1):
        x = layer(x, training=True)
    return keras.ops.convert_to_numpy(x)


def test_off_by_default():
    assert Augmentation().layers(0) == []
    assert str(Augmentation()) == "none"


@pytest.mark.parametrize(
    "field",
    ({"flip": "horizontal"}, {"flip": "both"}, {"zoom": 0.3}, {"shear": 0.3}, {"rotation": 0.1}, {"shift": 0.2},
     {"brightness": 0.3}, {"contrast": 0.5}, {"cutout": 0.5}, {"flip": "alternate"},
     {"crop": 0.5}, {"colour": 0.3}, {"randaugment": 0.5}),
)  # fmt: skip
def test_each_change_changes_pictures_within_their_range(field):
    pixels = np.random.default_rng(0).integers(0, 256, (16, 12, 12, 3)).astype(np.float32)
    got = applied(Augmentation(**field), pixels)
    assert got.shape == pixels.shape
    assert not np.array_equal(got, pixels)
    assert got.min() >= -1e-3
    assert got.max() <= 255 + 1e-3


def test_a_flip_is_a_flip():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 6, 6, 1)).astype(np.float32)
    got = applied(Augmentation(flip="horizontal"), pixels)
    mirrored = [np.array_equal(a, b[:, ::-1]) for a, b in zip(got, pixels, strict=True)]
    same = [np.array_equal(a, b) for a, b in zip(got, pixels, strict=True)]
    assert all(a != b for a, b in zip(mirrored, same, strict=True))
    assert 0 < sum(mirrored) < 32


def test_limits():
    with pytest.raises(ValidationError):
        Augmentation(zoom=1.5)
    assert str(Augmentation(zoom=0.2, flip="both")) == "flip both, zoom 0.2"

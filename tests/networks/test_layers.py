import keras
import numpy as np
import pytest

from tellapart.networks.layers import AlternateMirror, Colour, Crop, Cutout, Shift


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


def test_each_picture_is_mirrored_in_every_other_epoch():
    pixels = np.random.default_rng(0).integers(0, 256, (64, 6, 5, 3)).astype(np.float32)
    layer = AlternateMirror(seed=3)
    looks = []
    for epoch in range(4):
        layer.epoch.assign(epoch)
        looks.append(keras.ops.convert_to_numpy(layer(pixels, training=True)))
    mirrored = np.array([[np.array_equal(a, b[:, ::-1]) for a, b in zip(look, pixels, strict=True)] for look in looks])
    same = np.array([[np.array_equal(a, b) for a, b in zip(look, pixels, strict=True)] for look in looks])
    assert np.array_equal(mirrored, ~same)
    assert np.array_equal(mirrored[0], ~mirrored[1])
    assert np.array_equal(mirrored[0], mirrored[2])
    assert 10 < mirrored[0].sum() < 54
    assert np.array_equal(keras.ops.convert_to_numpy(layer(pixels)), pixels)
    other = AlternateMirror.from_config(AlternateMirror(seed=4).get_config())
    assert np.array_equal(keras.ops.convert_to_numpy(other(pixels, training=True)), looks[1])


def test_cutout_greys_out_one_square():
    pixels = np.zeros((200, 10, 12, 3), np.float32)
    layer = Cutout(0.3, seed=1)
    got = keras.ops.convert_to_numpy(layer(pixels, training=True))
    assert set(np.unique(got)) == {0, 127.5}
    grey = got[..., 0] != 0
    assert np.array_equal(got[..., 0], got[..., 2])
    assert grey.sum(axis=(1, 2)).max() == 3 * 4
    for picture in grey:
        rows, columns = np.nonzero(picture)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert height <= 3
        assert width <= 4
        assert picture.sum() == height * width
    assert grey.any(axis=0).all()  # everywhere, the edges too
    assert np.array_equal(keras.ops.convert_to_numpy(layer(pixels)), pixels)
    assert Cutout.from_config(layer.get_config()).fraction == 0.3


def ramps(count, height=24, width=32):
    """Each pixel's values are its row, its column and their product's share of 255: where it came from can be read."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    picture = np.stack([rows, columns, rows * columns / (height * width) * 255], axis=-1)
    return np.repeat(picture[None], count, axis=0)


def test_a_crop_is_a_part_of_the_picture_enlarged():
    got = keras.ops.convert_to_numpy(Crop(0.6, seed=2)(ramps(400), training=True))
    rows, columns = got[..., 0], got[..., 1]
    assert np.allclose(rows, rows[:, :, :1], atol=1e-3), "every new row is one old row"
    assert np.allclose(columns, columns[:, :1, :], atol=1e-3)
    assert (np.diff(rows[:, :, 0]) >= -1e-4).all()
    tall = (rows[:, -1, 0] - rows[:, 0, 0]) / 23  # of the picture's height, edges apart
    wide = (columns[:, 0, -1] - columns[:, 0, 0]) / 31
    area = tall * wide
    assert 0.36 < area.min() < 0.5
    assert 0.9 < area.max() < 1.05
    assert np.percentile(tall / wide, 5) < 0.9 < 1.1 < np.percentile(tall / wide, 95)
    assert rows.min() == 0
    assert rows.max() == 23, "no place is left out"
    middles = rows[:, 12, 0]
    assert middles.std() > 1


def test_a_crop_of_everything_changes_nothing():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3)).astype(np.float32)
    layer = Crop(0.0)
    weights = layer._weights(keras.ops.ones((3, 1)), 8)
    assert np.allclose(keras.ops.convert_to_numpy(weights), np.eye(8)[None])
    assert np.array_equal(keras.ops.convert_to_numpy(Crop(0.5)(pixels)), pixels), "outside training"


def test_colours_change_and_stay_in_range():
    pixels = np.random.default_rng(0).integers(0, 256, (300, 6, 6, 3)).astype(np.float32)
    got = keras.ops.convert_to_numpy(Colour(0.4, seed=1)(pixels, training=True))
    assert got.min() >= 0
    assert got.max() <= 255
    means = got.mean(axis=(1, 2)) / pixels.mean(axis=(1, 2))
    assert 0.55 < means.min() < 0.75
    assert 1.2 < means.max() < 1.45
    assert abs(np.corrcoef(means[:, 0], means[:, 2])[0, 1]) < 0.2, "each channel by itself"
    grey = np.full((50, 4, 4, 1), 100, np.float32)
    assert np.ptp(keras.ops.convert_to_numpy(Colour(0.2)(grey, training=True))) > 10
    assert np.array_equal(keras.ops.convert_to_numpy(Colour(0.4)(pixels)), pixels)


@pytest.mark.parametrize("layer", (Crop, Colour, Cutout, Shift))
def test_the_same_seed_draws_the_same(layer):
    pixels = ramps(8)
    first, again, other = (
        keras.ops.convert_to_numpy(layer.from_config(layer(0.3, seed=seed).get_config())(pixels, training=True))
        for seed in (1, 1, 2)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)

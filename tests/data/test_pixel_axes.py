"""The axes of pixel arrays, in the orders that data sets have."""

import numpy as np
import pytest

from tellapart.data.pixel_axes import channels_last, colours_of_rows
from tellapart.errors import DataError

PICTURES = np.add.outer(np.add.outer(np.arange(6), np.arange(32) * 3), np.arange(32) * 2) % 200
COLOURS = np.stack([PICTURES, 255 - PICTURES, PICTURES // 2], axis=-1).astype(np.uint8)
"""Smooth pictures [6, 32, 32, 3]."""


@pytest.mark.parametrize(
    ("source", "array", "words"),
    (
        ("Keras", COLOURS, ""),
        ("PyTorch", COLOURS.transpose(0, 3, 1, 2), "channels first, [n, 3, 32, 32]"),
        ("SVHN's train_32x32.mat", COLOURS.transpose(1, 2, 3, 0), "pictures last, [32, 32, 3, n]"),
        ("CIFAR-10's batches", COLOURS.transpose(0, 3, 1, 2).reshape(6, -1), "32 x 32 RGB, planar"),
        ("HMNIST's rows", COLOURS.reshape(6, -1), "32 x 32 RGB, interleaved"),
        ("rows of RGB pixels", COLOURS.reshape(6, 1024, 3), "32 x 32 RGB"),
        ("RGBA", np.concatenate([COLOURS, np.full((6, 32, 32, 1), 255, np.uint8)], axis=3), "alpha: opaque"),
    ),
)
def test_colour(source, array, words):
    got, said = channels_last(array, "x", 6)
    assert np.array_equal(got, COLOURS), source
    assert words in said
    assert bool(words) == bool(said)


@pytest.mark.parametrize(
    "array",
    (
        PICTURES,
        PICTURES[..., None],
        PICTURES[:, None],
        PICTURES.reshape(6, 1024),
        PICTURES.reshape(6, 1024, 1),
        PICTURES.reshape(6, 1, 1024),
    ),
)
def test_grey(array):
    got, said = channels_last(array, "x")
    assert np.array_equal(got[..., 0], PICTURES)
    assert bool(said) == (array.shape not in ((6, 32, 32), (6, 32, 32, 1)))


@pytest.mark.parametrize(
    ("shape", "words"),
    (
        ((6, 32, 32, 2), "choose 1 or 3 of the 2 channels"),
        ((6, 32, 32, 13), "choose 1 or 3 of the 13 channels"),
        ((6, 13, 32, 32), "choose 1 or 3 of the 13 channels"),
        ((6, 32, 32, 4), "may be alpha or infrared"),
        ((6, 10, 32, 32, 3), "as one array"),
        ((6, 1000), "rows of square pictures"),
        ((6,), "shape"),
        ((6, 0, 32), "shape"),
        ((3, 3, 4, 5), "transpose"),
    ),
)
def test_other_shapes_are_refused(shape, words):
    with pytest.raises(DataError, match=words):
        channels_last(np.random.default_rng(0).integers(0, 255, shape, np.uint8), "x")


def test_colours_whose_order_is_not_clear_are_refused():
    noise = np.random.default_rng(0).integers(0, 256, (9, 3072), np.uint8)
    with pytest.raises(
        DataError, match=r"the order of the colour channels is not clear(.|\n)*interleaved .* or planar"
    ):
        colours_of_rows(noise, (32, 32), "x")

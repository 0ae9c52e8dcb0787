"""The values of black and white: what is inferred, what is noted, and what is refused."""

import numpy as np
import pytest

from tellapart.data.array_range import infer_range
from tellapart.data.collection import Collection
from tellapart.errors import DataError
from tellapart.images.read import read_picture

GREY = np.random.default_rng(0).random((40, 12, 12, 1))
"""Values in 0..1."""


def opened(pixels):
    return Collection.from_arrays(pixels, np.arange(len(pixels)) % 2)


@pytest.mark.parametrize(
    ("source", "pixels", "value_range"),
    (
        ("scikit-learn's load_digits: 0 to 16", np.rint(GREY * 16), (0, 16)),
        ("binarised MNIST: 0 and 1", (GREY > 0.5).astype(np.uint8), (0, 1)),
        ("a Game Boy's four shades", np.rint(GREY * 3).astype(np.uint8), (0, 3)),
        ("a 10-bit camera", np.rint(GREY * 1023).astype(np.uint16), (0, 1023)),
        ("12-bit microscopy", np.rint(GREY * 4095).astype(np.int32), (0, 4095)),
        ("EuroSAT's reflectance", np.rint(GREY * 9000 + 400).astype(np.uint16), (0, 10_000)),
        ("floats -1..1, as for a GAN", GREY * 2 - 1, (-1, 1)),
        ("floats -0.5..0.5", (GREY - 0.5).astype(np.float32), (-0.5, 0.5)),
    ),
)
def test_a_range_is_inferred_and_said(source, pixels, value_range):
    collection = opened(pixels)
    assert collection.value_range == value_range, source
    assert len(collection.inferred) == 1
    assert collection.inferred[0].startswith("values: ")
    assert collection.inferred[0].endswith(", scaled to 0 to 255")
    assert collection.notes == ()
    levels = len(np.unique(pixels))
    assert np.abs(collection.pictures.array.astype(float) / 255 - GREY).max() < 0.51 / min(levels - 1, 4) + 0.05


@pytest.mark.parametrize(
    "pixels",
    (
        np.rint(GREY * 255).astype(np.uint8),
        np.rint(GREY * 90).astype(np.uint8),
        np.rint(GREY * 40).astype(np.int64),
        np.rint(GREY * 255).astype(np.float32),
        GREY * 255,
        GREY * 90,
        GREY,
        GREY.astype(np.float16),
        GREY * 0.3,
        np.zeros((40, 12, 12, 1), np.uint8),
        np.zeros((40, 12, 12, 1)),
        GREY > 0.5,
        np.where(GREY > 0.999, 1.00001, GREY),
        np.full((40, 12, 12, 1), 7, np.uint8),
        np.rint(GREY * 20).astype(np.uint8),
    ),
)
def test_the_usual_ranges_get_no_note(pixels):
    collection = opened(pixels)
    assert collection.value_range is None
    assert collection.notes == ()
    assert collection.inferred == ()


def test_sixteen_bits_are_recorded_for_prediction():
    pixels = np.rint(GREY * 65_535).astype(np.uint16)
    collection = opened(pixels)
    assert collection.value_range == (0, 65_535)
    assert np.array_equal(read_picture(pixels[0], samples=collection.samples), collection.read(0))


def test_bytes_are_pixels_where_the_model_was_trained_on_minus_1_to_1():
    collection = opened(GREY * 2 - 1)
    pixels = np.rint(GREY[0] * 255).astype(np.uint8)
    assert np.array_equal(read_picture(pixels, samples=collection.samples), pixels)


def test_dark_pictures_are_not_brightened():
    assert opened(np.rint(GREY * 90).astype(np.uint8)).pictures.array.max() == 90
    few = np.full((2, 4, 4), 9, np.uint8)
    assert opened(few).pictures.array.max() == 9, "too few values to infer anything"


@pytest.mark.parametrize(
    ("pixels", "words"),
    (
        (
            np.where(GREY > 0.999, 1.02, GREY),
            r"values: .* to 1.02, outside 0 to 1 in .*as resizing leaves them: clipped",
        ),
        (np.where(GREY < 0.0005, -0.01, GREY), "outside 0 to 1"),
        (GREY * 1.05, r"outside 0 to 1 in 4\..%: scaled by their range"),
        (np.where(GREY > 0.999, 261, GREY * 255), "outside 0 to 255"),
        (np.where(GREY > 0.999, 1.0001, GREY * 2 - 1), r"values: -.* to 1, clipped to -1\.\.1"),
        (GREY / 255, "divided by 255 twice"),
        (np.where(GREY > 0.9999, 28_000, np.rint(GREY * 900)).astype(np.uint16), "99.9 % are at most .*are clipped"),
    ),
)
def test_what_is_odd_is_noted(pixels, words):
    import re

    collection = opened(pixels)
    assert len(collection.notes) == 1
    assert re.search(words, collection.notes[0]), collection.notes
    assert np.ptp(collection.pictures.array.astype(int)) > 200


@pytest.mark.parametrize(
    ("pixels", "words"),
    (
        (np.random.default_rng(0).normal(size=(9, 12, 12)), "seem to be standardised"),
        (GREY * 255 - 117, r"has negative values .*whose meaning is not clear"),
        (np.rint(GREY * 3000 - 1000).astype(np.int16), "negative values(.|\n)*Hounsfield"),
        (np.rint(GREY * 255 - 128).astype(np.int8), "negative values"),
        (GREY * 8, "not clear which value is white"),
        (np.where(GREY.max() == GREY, 400, np.rint(GREY * 255)), "has the value 400.0 at row"),
        (np.where(GREY.max() == GREY, np.nan, GREY), r"picture \d+ has the value nan"),
        (np.where(GREY.max() == GREY, np.inf, GREY * 255), "has the value inf"),
        (np.rint(GREY * 2**24).astype(np.int64), "has the value"),
    ),
)
def test_what_is_not_clear_is_refused(pixels, words):
    with pytest.raises(DataError, match=words):
        opened(pixels)


def test_one_scale_holds_for_all_arrays():
    dark, bright = np.rint(GREY * 900).astype(np.uint16), np.rint(GREY * 4000).astype(np.uint16)
    found = infer_range({"train": dark, "test": bright})
    assert found.recorded == (0, 4095)
    assert found.scale(dark).max() < 60


def test_a_split_that_was_not_divided_is_named():
    with pytest.raises(DataError, match="x_train has values from 0 to 1, and x_test from 0 to 255"):
        infer_range({"x_train": GREY, "x_test": np.rint(GREY * 255)})
    for test in (GREY * 2 - 1, np.rint(GREY * 4095), GREY / 255, np.rint(GREY * 255).astype(np.uint8)):
        with pytest.raises(DataError, match="the same range in all splits"):
            infer_range({"x_train": GREY, "x_test": test})
    with pytest.raises(DataError, match="x_test has values from -1 to 1, and x_train from 0 to 255"):
        infer_range({"x_train": np.rint(GREY * 255).astype(np.uint8), "x_test": GREY * 2 - 1})


def test_a_dark_split_is_no_other_scale():
    whole, few = np.rint(GREY * 255).astype(np.uint8), np.rint(GREY[:2] * 9).astype(np.uint8)
    for test in (few, whole // 4, np.zeros_like(whole)):
        assert infer_range({"x_train": whole, "x_test": test}).recorded is None
    assert infer_range({"x_train": GREY, "x_test": GREY[:2] / 40}).recorded is None
    assert infer_range({"x_train": GREY * 2 - 1, "x_test": GREY * 1.2 - 0.9}).recorded == (-1, 1)

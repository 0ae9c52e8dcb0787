import numpy as np
import pytest

import tellapart
from tellapart.data.arrays import to_labels, to_pixels
from tellapart.errors import DataError


def test_pixels_of_every_kind_become_the_same():
    pixels = np.random.default_rng(0).integers(0, 256, (3, 4, 5), np.uint8)
    for array in (
        pixels,
        pixels[..., None],
        pixels.astype(int),
        pixels.astype(float),
        pixels / 255,
        (pixels / 255).astype("float32"),
    ):
        got = to_pixels(array, "x")
        assert got.dtype == np.uint8
        assert np.array_equal(got[..., 0], pixels)


@pytest.mark.parametrize(
    ("array", "words"),
    (
        (np.zeros((3, 3, 4, 5)), r"x: the pictures have shape \(3, 3, 4, 5\)"),
        (np.zeros(3), "shape"),
        (np.array([["a"]]), "shape"),
        (np.full((1, 2, 2), 300), "picture 0 has the value 300 at row 0, column 0"),
        (np.full((1, 2, 2), -0.1), "picture 0 has the value -0.1"),
        (np.full((1, 2, 2), np.nan), "picture 0 has the value nan"),
        (np.full((1, 2, 2), "a"), "type <U1"),
    ),
)
def test_invalid_pixels(array, words):
    with pytest.raises(DataError, match=words):
        to_pixels(array, "x")


@pytest.mark.parametrize(
    ("labels", "numbers", "names"),
    (
        ([3, 1, 3], [1, 0, 1], ("1", "3")),
        ([[3], [1], [3]], [1, 0, 1], ("1", "3")),
        ([10.0, 9.0], [1, 0], ("9", "10")),
        ([[0, 1], [1, 0]], [1, 0], ("0", "1")),
        (["b", "a", "b"], [1, 0, 1], ("a", "b")),
        (["10", "9"], [0, 1], ("10", "9")),
    ),
)
def test_labels(labels, numbers, names):
    got, got_names = to_labels(np.array(labels), "x")
    assert got.tolist() == numbers
    assert got.dtype == np.int64
    assert got_names == names


def test_labels_index_given_names():
    assert to_labels(np.array([2, 0]), "x", ["a", "b", "c"])[0].tolist() == [2, 0]
    assert to_labels(np.array(["c", "a"]), "x", ["a", "b", "c"])[0].tolist() == [2, 0]


@pytest.mark.parametrize(
    ("labels", "given", "words"),
    (
        ([0, -1], None, "picture 1 has label -1"),
        ([0.5, 1], None, "labels have type float64"),
        ([[0, 1], [1, 1]], None, "label row 1 is not one-hot"),
        (["a", "z"], ["a", "b"], "picture 1 has label 'z'"),
        ([[[1, 0]]], None, "labels have shape"),
    ),
)
def test_invalid_labels(labels, given, words):
    with pytest.raises(DataError, match=words):
        to_labels(np.array(labels), "x", given)


@pytest.mark.parametrize(
    ("name", "start", "kind"),
    (
        ("train_32x32.mat", b"MATLAB 5.0 MAT-file, Platform: GLNXA64", "a MATLAB file"),
        ("Galaxy10.h5", b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        ("data_batch_1", b"\x80\x04", "a Python pickle"),
    ),
)
def test_other_files_of_arrays_are_named(name, start, kind, tmp_path):
    """SVHN, Galaxy10 and CIFAR-10 for Python."""
    (tmp_path / name).write_bytes(start + bytes(200))
    for path in (tmp_path, tmp_path / name):
        with pytest.raises(DataError, match=f"{name} is {kind}") as caught:
            tellapart.open(path)
        assert "numpy.savez" in caught.value.action

import numpy as np
import pytest

from tellapart.explanation.kernels import slide

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)


def test_a_kernel_of_numbers_looks_at_grey():
    answers = slide(np.eye(3), PICTURE)
    grey = PICTURE.mean(axis=2) / 255
    assert answers.shape == (6, 7)
    assert answers[2, 3] == pytest.approx(grey[1, 2] + grey[2, 3] + grey[3, 4])


def test_a_kernel_for_colours_looks_at_each():
    """Red less blue: what such a filter answers to, its mean over the colours would not see."""
    kernel = np.zeros((3, 3, 3))
    kernel[1, 1] = 1, 0, -1
    assert np.allclose(slide(kernel, PICTURE), (PICTURE[:, :, 0] / 255.0) - PICTURE[:, :, 2] / 255.0)


@pytest.mark.parametrize("shape", ((3, 5), (7, 1), (2, 2), (1, 7)))
def test_the_answers_are_as_many_as_the_places_whatever_the_kernel(shape):
    kernel = np.zeros(shape)
    kernel[(shape[0] - 1) // 2, (shape[1] - 1) // 2] = 1
    assert np.allclose(slide(kernel, PICTURE), PICTURE.mean(axis=2) / 255)

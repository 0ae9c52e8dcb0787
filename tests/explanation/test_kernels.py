import numpy as np
import pytest

from tellapart.explanation.kernels import convolve

PICTURE = np.random.default_rng(0).integers(0, 256, (6, 7, 3)).astype(np.uint8)


def test_a_kernel_without_channels_uses_grey_values():
    response = convolve(np.eye(3), PICTURE)
    grey = PICTURE.mean(axis=2) / 255
    assert response.shape == (6, 7)
    assert response[2, 3] == pytest.approx(grey[1, 2] + grey[2, 3] + grey[3, 4])


def test_a_kernel_with_channels_uses_each_colour():
    """Red minus blue: the mean of such a filter over the colours would be 0."""
    kernel = np.zeros((3, 3, 3))
    kernel[1, 1] = 1, 0, -1
    assert np.allclose(convolve(kernel, PICTURE), (PICTURE[:, :, 0] / 255.0) - PICTURE[:, :, 2] / 255.0)


@pytest.mark.parametrize("shape", ((3, 5), (7, 1), (2, 2), (1, 7)))
def test_the_response_has_the_size_of_the_picture_for_any_kernel(shape):
    kernel = np.zeros(shape)
    kernel[(shape[0] - 1) // 2, (shape[1] - 1) // 2] = 1
    assert np.allclose(convolve(kernel, PICTURE), PICTURE.mean(axis=2) / 255)

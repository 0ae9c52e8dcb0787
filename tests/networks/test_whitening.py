import keras
import numpy as np

from tellapart.networks.whitening import whitening_filters


def test_the_outputs_are_uncorrelated_and_of_variance_one():
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(200, 16, 16, 3)).cumsum(axis=1).cumsum(axis=2)
    pixels = ((smooth - smooth.mean()) / smooth.std() + 0.5).astype(np.float32)
    filters, biases = whitening_filters(pixels, 2, 24)
    assert filters.shape == (2, 2, 3, 24)
    layer = keras.layers.Conv2D(24, 2)
    layer.build(pixels.shape)
    layer.set_weights([filters, biases])
    out = keras.ops.convert_to_numpy(layer(pixels)).reshape(-1, 24)
    assert np.array_equal(filters[..., :12], -filters[..., 12:])
    covariance = np.cov(out[:, :12], rowvar=False)
    assert np.abs(covariance - np.diag(np.diag(covariance))).max() < 0.05
    assert np.abs(out.mean(axis=0)).max() < 0.05
    assert covariance.max() < 1.1


def test_blank_pictures_do_no_harm():
    filters, biases = whitening_filters(np.zeros((5, 8, 8, 1), np.float32), 2, 8)
    assert np.isfinite(filters).all()
    assert np.isfinite(biases).all()


def test_fewer_filters_are_those_of_the_directions_that_differ_most():
    rng = np.random.default_rng(0)
    smooth = rng.normal(size=(100, 12, 12, 1)).cumsum(axis=1).cumsum(axis=2).astype(np.float32)
    every, _ = whitening_filters(smooth, 3, 18)
    some, biases = whitening_filters(smooth, 3, 8)
    assert some.shape == (3, 3, 1, 8)
    assert biases.shape == (8,)
    assert np.array_equal(some[..., :4], every[..., 5:9])
    assert np.abs(some).max() < np.abs(every).max()  # the directions left out are those that need blowing up most

import numpy as np
import pytest

from tellapart.images.views import count_views, tta_views, without_mirror

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 6, 5, 2), np.uint8)


@pytest.mark.parametrize(("views", "number"), (("none", 1), ("mirror", 2), ("shift", 3), ("mirror-shift", 6)))
def test_weights_and_shapes(views, number):
    found = list(tta_views(PIXELS, views))
    assert len(found) == count_views(views) == number
    assert sum(weight for weight, _ in found) == pytest.approx(1)
    assert all(look.shape == PIXELS.shape and look.dtype == np.uint8 for _, look in found)
    assert np.array_equal(found[0][1], PIXELS)
    assert len({look.tobytes() for _, look in found}) == number


def test_what_they_are():
    (_, _), (_, mirrored) = tta_views(PIXELS, "mirror")
    assert np.array_equal(mirrored[:, :, 0], PIXELS[:, :, 4])
    (_, _), (_, up), (_, down) = tta_views(PIXELS, "shift")
    assert np.array_equal(up[:, :-1, :-1], PIXELS[:, 1:, 1:])
    assert np.array_equal(down[:, 1:, 1:], PIXELS[:, :-1, :-1])
    assert np.array_equal(down[:, 0, 1:], PIXELS[:, 1, :-1])  # the edge's mirror


def test_one_pixel_has_no_neighbours():
    assert [look.tolist() for _, look in tta_views(np.full((1, 1, 1, 1), 7), "shift")] == [[[[[7]]]]] * 3


def test_without_mirror():
    assert [without_mirror(views) for views in ("none", "mirror", "shift", "mirror-shift")] == [
        "none", "none", "shift", "shift",
    ]  # fmt: skip

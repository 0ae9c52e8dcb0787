import numpy as np
import pytest

from tellapart.images.preprocessing import Preparation
from tellapart.images.projection import filled_box, projected, seen_box

SHAPES = ((200, 200), (120, 240), (240, 120), (97, 301))


def marked(height, width, row, column):
    """A dark picture with a white square whose centre is at a place given as shares of its height and width."""
    picture = np.zeros((height, width, 1), np.uint8)
    top, left, half = round(row * height), round(column * width), round(min(height, width) * 0.08)
    picture[max(0, top - half) : top + half, max(0, left - half) : left + half] = 255
    return picture


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("fit", ("stretch", "crop", "pad"))
def test_a_map_lies_where_the_network_saw_it(fit, shape):
    """What is bright in the preprocessed picture is bright at the same place of the picture itself."""
    preprocessing = Preparation(height=24, width=32, colour="grey", fit=fit)
    picture = marked(*shape, 0.55, 0.45)
    seen = preprocessing(picture)[:, :, 0] / 255
    back = projected(seen, preprocessing, *shape)
    assert back.shape == shape
    assert back.dtype == np.float32
    assert 0 <= back.min() <= back.max() <= 1
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    for places, side in ((rows, shape[0]), (columns, shape[1])):
        found, true = (np.average(places, weights=weights) for weights in (back, picture[:, :, 0]))
        assert found == pytest.approx(true, abs=0.04 * side)


def test_what_the_network_did_not_see_is_zero():
    preprocessing = Preparation(height=16, width=16, colour="rgb", fit="crop")
    back = projected(np.ones((16, 16)), preprocessing, 50, 100)
    assert (back[:, :25] == 0).all()
    assert (back[:, 25:75] == 1).all()
    assert (back[:, 75:] == 0).all()


def test_the_padding_is_left_out():
    preprocessing = Preparation(height=16, width=16, colour="rgb", fit="pad")
    values = np.zeros((16, 16))
    values[4:12] = 1  # where a picture twice as wide as high is
    assert (projected(values, preprocessing, 50, 100) == 1).all()
    assert filled_box(preprocessing, 50, 100) == (4, 0, 12, 16)


def test_a_very_thin_picture_has_a_box():
    for fit in ("crop", "pad"):
        preprocessing = Preparation(height=8, width=8, colour="rgb", fit=fit)
        assert projected(np.ones((8, 8)), preprocessing, 1, 900).shape == (1, 900)
    assert seen_box(preprocessing, 1, 900) == (0, 0, 1, 900)

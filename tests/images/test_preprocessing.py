import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from tellapart.images.preprocessing import Preparation


def test_what_fits_already_is_passed_on_untouched():
    picture = np.zeros((5, 7, 3), np.uint8)
    assert Preparation(height=5, width=7, colour="rgb")(picture) is picture


def test_grey_is_the_luma_of_the_standard():
    picture = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    assert Preparation(height=1, width=3, colour="grey")(picture)[0, :, 0].tolist() == [76, 150, 29]


def test_grey_becomes_rgb_by_repetition():
    picture = np.array([[1, 2], [3, 4]], np.uint8)
    got = Preparation(height=2, width=2, colour="rgb")(picture)
    assert got.shape == (2, 2, 3)
    assert (got == picture[:, :, np.newaxis]).all()


def test_resizing_is_pillows():
    picture = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    got = Preparation(height=8, width=9, colour="rgb", resampling="bicubic")(picture)
    assert np.array_equal(got, np.asarray(Image.fromarray(picture).resize((9, 8), Image.Resampling.BICUBIC)))


def test_fits():
    wide = np.zeros((10, 30, 1), np.uint8)
    wide[:, 10:20] = 200
    make = {fit: Preparation(height=10, width=10, colour="grey", fit=fit)(wide) for fit in ("stretch", "crop", "pad")}
    assert (make["crop"] == 200).all()
    assert make["stretch"][:, 0].max() < 50 < make["stretch"][:, 5].min()
    assert make["pad"][0].max() == 0
    assert make["pad"][5, 5] > 150


def test_it_survives_json_and_refuses_the_unknown():
    preprocessing = Preparation(height=5, width=7, colour="rgb", fit="pad")
    assert Preparation.model_validate_json(preprocessing.model_dump_json()) == preprocessing
    assert str(preprocessing) == "7 x 5 RGB, pad"
    with pytest.raises(ValidationError):
        Preparation(height=5, width=7, colour="rgb", blur=3)
    with pytest.raises(ValidationError):
        preprocessing.height = 3


@pytest.mark.parametrize("shape", ((500, 1), (1, 500), (193, 1)))
def test_a_line_is_padded_to_a_line(shape):
    got = Preparation(height=96, width=64, colour="grey", fit="pad")(np.full(shape, 200, np.uint8))
    assert got.shape == (96, 64, 1)
    assert (got == 200).sum() == (96 if shape[0] > 1 else 64)

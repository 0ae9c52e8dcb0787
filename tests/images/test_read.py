import os

import numpy as np
import pytest
from PIL import Image

from tellapart.errors import PictureError
from tellapart.images.decode import decode
from tellapart.images.read import from_array, looks_like_picture, read_picture
from tests import corpus


def test_every_way_to_hold_a_picture_gives_the_same_pixels(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 11, 3), np.uint8)
    path = tmp_path / "a.png"
    Image.fromarray(pixels).save(path)
    for held in (path, str(path), path.read_bytes(), bytearray(path.read_bytes()), Image.open(path), pixels):
        assert np.array_equal(read_picture(held), pixels)


def test_a_jpeg_that_pillow_has_opened_is_read_as_its_file_is(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(corpus.encoded(corpus.photo(1, 600, 800), "JPEG"))
    shrunken = read_picture(path, least=(64, 64))
    assert shrunken.shape == (75, 100, 3)
    with Image.open(path) as image:
        assert np.array_equal(read_picture(image, least=(64, 64)), shrunken)
        assert image.size == (800, 600)  # it is still its owner's
        image.load()
        assert read_picture(image, least=(64, 64)).shape == (600, 800, 3)
    with Image.open(path) as image:
        image.draft("RGB", (400, 300))
        assert read_picture(image, least=(64, 64)).shape == (300, 400, 3)


@pytest.mark.parametrize("mode", ("1", "L", "LA", "P", "RGBA", "CMYK", "I;16"))
def test_pillow_images_are_read_as_their_files_are(mode, tmp_path):
    image = Image.fromarray(np.arange(60, dtype=np.uint8).reshape(4, 5, 3))
    image = Image.new(mode, (5, 4), 700) if mode == "I;16" else image.convert(mode)
    path = tmp_path / "a.tif"
    image.save(path)
    assert np.array_equal(read_picture(image), decode(path.read_bytes()))


def test_arrays():
    grey = np.array([[0, 255]], np.uint8)
    assert from_array(grey).shape == (1, 2, 1)
    assert from_array(grey.astype(np.float64) - 0.0).dtype == np.uint8
    assert from_array(np.array([[1.6, 254.4]]))[0, :, 0].tolist() == [2, 254]
    assert from_array(np.zeros((2, 2, 4), np.uint8)).tolist() == [[[255] * 3] * 2] * 2


@pytest.mark.parametrize(
    ("array", "words"),
    (
        (np.zeros((3, 4, 2)), "has shape (3, 4, 2)"),
        (np.zeros((0, 4, 3)), "has shape (0, 4, 3)"),
        (np.zeros(5), "has shape (5,)"),
        (np.full((2, 2), 256), "has values from 256 to 256"),
        (np.full((2, 2), -1.0), "has values from -1.0 to -1.0"),
        (np.full((2, 2), np.nan), "has values from nan to nan"),
        (np.full((2, 2), 0.5), "has values from 0.5 to 0.5"),
        (np.full((2, 2), "x"), "has values of type"),
        (np.full((2, 2), True), "has values of type bool"),
    ),
)
def test_arrays_that_are_not_pictures(array, words):
    with pytest.raises(PictureError) as caught:
        from_array(array)
    assert words in caught.value.reason


def test_scaled_floats_are_explained():
    with pytest.raises(PictureError, match="multiply by 255"):
        from_array(np.full((2, 2), 0.5))


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(PictureError, match="does not exist"):
        read_picture(tmp_path / "none.png")
    with pytest.raises(PictureError, match="is not a file"):
        read_picture(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.png")
        with pytest.raises(PictureError, match="is not a file"):
            read_picture(tmp_path / "pipe.png")
    with pytest.raises(PictureError, match="is not a picture"):
        read_picture(7)


def test_names_of_pictures():
    assert all(looks_like_picture(name) for name in ("a.jpg", "b/c.PNG", "photo", "x.heic"))
    assert not any(looks_like_picture(name) for name in ("a.txt", ".hidden.png", "b/Thumbs.db", "c.csv"))

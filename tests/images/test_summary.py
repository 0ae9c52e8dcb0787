import numpy as np
import pytest
from PIL import Image

from tellapart.errors import PictureError
from tellapart.images.summary import summarise, summarise_file
from tests.photos import encoded, photo


def test_the_summary_of_pixels():
    seen = summarise(photo())
    assert seen.shape == (96, 128, 3)
    assert (seen.format, seen.orientation, seen.grey) == (None, 1, False)
    assert 60 < seen.mean < 200
    assert seen.deviation > 20
    assert seen.thumbnail.shape == (32, 32, 3)
    assert summarise(photo()).digest == seen.digest != summarise(photo(1)).digest
    assert summarise(photo(channels=1)).thumbnail.shape == (32, 32, 3)


def test_the_summary_of_a_file_has_format_and_orientation():
    exif = Image.Exif()
    exif[0x0112] = 6
    seen = summarise_file(encoded(photo(), exif=exif.tobytes()))
    assert (seen.format, seen.orientation, seen.shape) == ("JPEG", 6, (128, 96, 3))
    assert summarise_file(encoded(photo(), "PNG")).digest == summarise(photo()).digest
    with pytest.raises(PictureError):
        summarise_file(encoded(photo())[:1500])


def test_grey_in_colour_files():
    grey = np.repeat(photo(channels=1), 3, axis=2)
    assert summarise_file(encoded(grey, quality=60)).grey
    assert not summarise(photo(channels=1)).grey  # which is a grey file


def test_sharpness_falls_with_blur_and_light_with_dark():
    from PIL import ImageFilter

    sharp = photo()
    soft = np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(3)))
    assert summarise(soft).sharpness < summarise(sharp).sharpness / 5
    assert summarise(sharp // 10).percentile_99 < 30
    assert summarise(np.full((50, 50, 3), 7, np.uint8)).deviation == 0
    assert summarise(np.zeros((2, 2, 1), np.uint8)).sharpness == 0


def test_exif_after_the_pixels_of_a_png_is_summarised_too():
    exif = Image.Exif()
    exif[0x0112] = 6
    whole = encoded(photo(), "PNG", exif=exif)
    start = whole.index(b"eXIf") - 4
    end = start + 12 + int.from_bytes(whole[start : start + 4], "big")
    seen = summarise_file(whole[:start] + whole[end:-12] + whole[start:end] + whole[-12:])
    assert (seen.orientation, seen.shape) == (6, (128, 96, 3))

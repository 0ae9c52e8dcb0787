"""The resize as `tellapart.images.resize` defines it, written once more in NumPy, and compared bit for bit."""

import math

import numpy as np
import pytest
from PIL import Image

from tellapart.images.preprocessing import Preparation
from tellapart.images.resize import crop_box, pad_box, resized

FILTERS = ("box", "bilinear", "bicubic", "lanczos")


def sinc(x):
    return 1.0 if x == 0 else math.sin(x * math.pi) / (x * math.pi)


def bicubic(x):
    x, a = abs(x), -0.5
    if x < 1:
        return ((a + 2) * x - (a + 3)) * x * x + 1
    return (((x - 5) * x + 8) * x - 4) * a if x < 2 else 0.0


FUNCTIONS = {
    "box": (0.5, lambda x: 1.0 if -0.5 < x <= 0.5 else 0.0),
    "bilinear": (1.0, lambda x: max(0.0, 1 - abs(x))),
    "bicubic": (2.0, bicubic),
    "lanczos": (3.0, lambda x: sinc(x) * sinc(x / 3) if -3 <= x < 3 else 0.0),
}


def weights(n, m, name):
    """Integers [m, n]: what each of n input samples contributes to each of m output samples, times 2**22."""
    reach, function = FUNCTIONS[name]
    scale = n / m
    wide = max(scale, 1.0)
    matrix = np.zeros((m, n), np.int64)
    for i in range(m):
        centre = (i + 0.5) * scale
        first, end = max(0, int(centre - reach * wide + 0.5)), min(n, int(centre + reach * wide + 0.5))
        row = [function((k - centre + 0.5) * (1 / wide)) for k in range(first, end)]
        total = 0.0
        for weight in row:
            total += weight
        row = [weight / total for weight in row] if total else row
        matrix[i, first:end] = [int(w * 2**22 + (0.5 if w >= 0 else -0.5)) for w in row]
    return matrix


def reference(pixels, width, height, name):
    """Resize uint8 [h, w, channels]: rows first, then columns, each rounded to 8 bits."""
    if name == "nearest":
        rows = [(2 * i + 1) * pixels.shape[0] // (2 * height) for i in range(height)]
        columns = [(2 * i + 1) * pixels.shape[1] // (2 * width) for i in range(width)]
        return pixels[rows][:, columns]
    if width != pixels.shape[1]:
        sums = np.einsum("hwc,xw->hxc", pixels.astype(np.int64), weights(pixels.shape[1], width, name))
        pixels = np.clip((2**21 + sums) >> 22, 0, 255).astype(np.uint8)
    if height != pixels.shape[0]:
        sums = np.einsum("hwc,yh->ywc", pixels.astype(np.int64), weights(pixels.shape[0], height, name))
        pixels = np.clip((2**21 + sums) >> 22, 0, 255).astype(np.uint8)
    return pixels


@pytest.mark.parametrize("name", (*FILTERS, "nearest"))
def test_it_is_as_defined(name):
    rng = np.random.default_rng(3)
    shapes = [(1, 1, 5, 3), (90, 2, 3, 7), (2, 90, 7, 3), (64, 64, 64, 64), (64, 30, 64, 64), (200, 20, 20, 10)]
    shapes += [tuple(int(side) for side in rng.integers(1, 90, 4)) for _ in range(25)]
    for height, width, rows, columns in shapes:
        pixels = rng.integers(0, 256, (height, width, int(rng.choice([1, 3]))), np.uint8)
        if rng.random() < 0.3:
            pixels = (pixels // 128 * 255).astype(np.uint8)  # edges, at which bicubic and lanczos overshoot
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
        got = np.asarray(resized(image, columns, rows, name)).reshape(rows, columns, -1)
        assert np.array_equal(got, reference(pixels, columns, rows, name)), (height, width, rows, columns)


def test_tall_pictures_too_have_their_rows_done_first():
    """Pillow 13 itself begins with the columns of a picture that becomes much lower."""
    pixels = np.random.default_rng(0).integers(0, 256, (400, 100, 3), np.uint8)
    got = Preparation(height=64, width=64, colour="rgb", resampling="lanczos")(pixels)
    assert np.array_equal(got, reference(pixels, 64, 64, "lanczos"))


def test_the_definition_of_older_model_files_is_kept():
    pixels = np.random.default_rng(0).integers(0, 256, (90, 47, 3), np.uint8)
    image = Image.fromarray(pixels)
    for version in (1, 2):
        old = Preparation(version=version, height=20, width=31, colour="rgb")
        assert np.array_equal(old(pixels), np.asarray(image.resize((31, 20), Image.Resampling.BILINEAR)))
    assert Preparation(version=2, height=20, width=31, colour="rgb").least == (64, 64)
    assert Preparation(height=20, width=31, colour="rgb").least is None


def test_grey_is_in_integers():
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 256, (300, 200, 3), np.uint8)
    red, green, blue = (pixels[:, :, k].astype(np.int64) for k in range(3))
    expected = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    assert np.array_equal(Preparation(height=300, width=200, colour="grey")(pixels)[:, :, 0], expected)


@pytest.mark.parametrize("target", ((32, 32), (20, 31), (1, 7), (224, 112)))
def test_boxes(target):
    """Whole pixels, the target's aspect ratio as nearly as these allow, and centred."""
    width, height = target
    for w, h in ((32, 32), (33, 32), (1, 500), (500, 1), (97, 301), (640, 480), (3, 2)):
        left, top, right, bottom = crop_box(w, h, width, height)
        assert 0 <= left < right <= w
        assert 0 <= top < bottom <= h
        assert (right - left == w) or (bottom - top == h)
        assert 0 <= (w - right) - left <= 1
        assert 0 <= (h - bottom) - top <= 1
        columns, rows = right - left, bottom - top
        assert abs(columns * height - rows * width) <= max(width, height) or 1 in (columns, rows)
        left, top, right, bottom = pad_box(w, h, width, height)
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
        assert (right - left == width) or (bottom - top == height)
        assert 0 <= (width - right) - left <= 1
        assert 0 <= (height - bottom) - top <= 1


def test_a_half_is_rounded_up():
    assert crop_box(100, 5, 1, 2) == (48, 0, 51, 5)  # 2.5 columns
    assert pad_box(4, 5, 6, 2) == (2, 0, 4, 2)  # 1.6 columns
    assert pad_box(10, 5, 5, 5) == (0, 1, 5, 4)  # 2.5 rows


@pytest.mark.parametrize("fit", ("crop", "pad"))
def test_a_fit_is_the_box_and_the_resize(fit):
    pixels = np.random.default_rng(2).integers(0, 256, (61, 122, 3), np.uint8)
    got = Preparation(height=16, width=20, colour="rgb", fit=fit)(pixels)
    if fit == "crop":
        left, top, right, bottom = crop_box(122, 61, 20, 16)
        expected = reference(pixels[top:bottom, left:right], 20, 16, "bilinear")
    else:
        left, top, right, bottom = pad_box(122, 61, 20, 16)
        expected = np.zeros((16, 20, 3), np.uint8)
        expected[top:bottom, left:right] = reference(pixels, right - left, bottom - top, "bilinear")
    assert np.array_equal(got, expected)

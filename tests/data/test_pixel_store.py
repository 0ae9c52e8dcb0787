import tempfile
import zlib

import numpy as np
import pytest

from tellapart.data.cache import checksums_of
from tellapart.data.pixel_store import PixelFile, SelectedRows, pixels_digest, select_rows
from tellapart.errors import DataError

PICTURES = np.random.default_rng(0).integers(0, 256, (20, 5, 4, 3), np.uint8)


def filed(offset=0, checksums=None):
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115  # the PixelFile closes it
    store = PixelFile(file, PICTURES.shape, offset, checksums)
    for i, picture in enumerate(PICTURES):
        store[i] = picture
    return store


@pytest.mark.parametrize("offset", (0, 7))
@pytest.mark.parametrize(
    "key", (3, -1, slice(2, 9, 3), slice(None), np.array([4, 4, 0]), [7, 1], PICTURES[:, 0, 0, 0] > 99)
)
def test_rows_are_those_of_an_array(offset, key):
    store = filed(offset)
    order = np.random.default_rng(1).permutation(20)
    for held in (store, SelectedRows(store, np.arange(20)), select_rows(PICTURES, np.arange(20))):
        assert np.array_equal(held[key], PICTURES[key])
        assert held.shape == PICTURES.shape
    assert np.array_equal(select_rows(select_rows(store, order), np.array([2, 0]))[:], PICTURES[order[[2, 0]]])
    assert np.array_equal(np.asarray(select_rows(store, order)), PICTURES[order])


def test_beyond_the_end():
    with pytest.raises(IndexError):
        filed()[20]


def test_a_damaged_picture_is_named():
    store = filed(checksums=checksums_of(PICTURES))
    assert np.array_equal(store[:], PICTURES)
    store[6] = PICTURES[6] ^ 1
    assert np.array_equal(store[[5, 7]], PICTURES[[5, 7]])
    with pytest.raises(DataError, match="the stored copy of picture 6 is damaged"):
        store[[5, 6]]


def test_a_file_that_is_cut_off():
    store = filed()
    store.file.truncate(19 * 60 + 59)
    with pytest.raises(DataError, match="picture 19 is damaged"):
        store[:]


def test_the_digest_depends_on_every_pixel_and_not_on_the_store(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (9, 4, 5, 3), np.uint8)
    (tmp_path / "a").write_bytes(pixels.tobytes())
    sums = np.array([zlib.crc32(one) for one in pixels], np.uint32)
    file = PixelFile((tmp_path / "a").open("rb"), pixels.shape)
    known = PixelFile((tmp_path / "a").open("rb"), pixels.shape, 0, sums)
    rows = np.array([3, 1, 8])
    assert len({pixels_digest(store) for store in (pixels, file, known, SelectedRows(pixels, np.arange(9)))}) == 1
    selected = (pixels[rows], SelectedRows(file, rows), SelectedRows(known, rows), SelectedRows(pixels, rows))
    assert len({pixels_digest(store) for store in selected}) == 1
    other = pixels.copy()
    other[8, 3, 4, 2] ^= 1
    assert pixels_digest(other) != pixels_digest(pixels) != pixels_digest(pixels[rows])

"""One range of values for all picture files of a collection, in training and prediction."""

import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data.collection import Collection
from tellapart.data.feeding import prepare_collection
from tellapart.errors import PictureError
from tellapart.images.preprocessing import Preparation
from tellapart.images.read import read_picture
from tellapart.recipes.choose import choose_preparation
from tellapart.recipes.find import find_recipe
from tests.corpus import photo


def saved(folder, arrays, suffix="png", **options):
    """Class folders a and b with these pictures in turn."""
    for k, array in enumerate(arrays):
        path = folder / "ab"[k % 2] / f"{k:02d}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        image = array if isinstance(array, Image.Image) else Image.fromarray(array)
        image.save(path, **options)
    return folder


def grey(seed, low=0, high=255, dtype=np.uint16):
    """A picture with values from low to high."""
    values = np.asarray(photo(seed, 40, 40).convert("L"), np.float64)
    values = (values - values.min()) / np.ptp(values)
    return (low + values * (high - low)).astype(dtype)


def preparation(collection):
    return choose_preparation(find_recipe("dense").recipe, collection, collection.indices(None))[0]


@pytest.mark.parametrize(
    ("name", "arrays", "suffix", "wanted"),
    (
        ("LIVECell and BBBC: 12-bit microscopes", [grey(k, 90, 4000) for k in range(8)], "tif", (0, 4095)),
        ("RSNA X-rays as PNG: 10 bits", [grey(k, 0, 1000) for k in range(8)], "png", (0, 1023)),
        ("EuroSAT, one band: reflectance", [grey(k, 200, 9990) for k in range(8)], "tif", (0, 10_000)),
        ("FLIR thermal cameras: 14 bits", [grey(k, 3000, 15_000) for k in range(8)], "png", (0, 16_383)),
        ("8 bits in 16", [grey(k, 0, 250) for k in range(8)], "png", (0, 255)),
        ("signed CT stored with an offset", [grey(k, 32_768, 34_000) for k in range(8)], "tif", (32_768, 34_000)),
        ("masks of DSB 2018 in bytes", [grey(k, 0, 1, np.uint8) for k in range(8)], "png", (0, 1)),
        ("UCI digits, 0 to 16", [grey(k, 0, 16, np.uint8) for k in range(8)], "png", (0, 16)),
        ("Oxford pets' trimaps, 1 to 3", [grey(k, 1, 3, np.uint8) for k in range(8)], "png", (0, 3)),
        ("floats from 0 to 1", [grey(k, 0, 1, np.float32) for k in range(8)], "tif", (0, 1)),
        ("floats from -1 to 1", [grey(k, -1, 1, np.float32) for k in range(8)], "tif", (-1, 1)),
        ("12 bits as floats", [grey(k, 0, 4095, np.float32) for k in range(8)], "tif", (0, 4095)),
        ("floats from 0 to 255", [grey(k, 0, 250, np.float32) for k in range(8)], "tif", (0, 255)),
    ),
)
def test_a_range_is_inferred_and_used(tmp_path, name, arrays, suffix, wanted):
    collection = tellapart.open(saved(tmp_path, arrays, suffix))
    assert collection.value_range == wanted, name
    assert collection.inferred[-1] == f"values: {wanted[0]:,g} to {wanted[1]:,g}, scaled to 0 to 255"
    assert bool(collection.notes) == (wanted[0] > 0)
    preprocessing = preparation(collection)
    assert (preprocessing.values, preprocessing.values_of) == (wanted, "files")
    low, high = wanted
    for i in (0, 5):
        path = tmp_path / collection.keys[i]
        stored = np.asarray(Image.open(path), np.float64)
        expected = np.floor((np.clip(stored, low, high) - low) * 255 / (high - low) + 0.5)
        assert np.array_equal(collection.read(i)[:, :, 0], expected)
        assert np.array_equal(read_picture(path, samples=preprocessing.samples)[:, :, 0], expected)
        assert np.array_equal(read_picture(stored, samples=preprocessing.samples)[:, :, 0], expected)
    prepared = prepare_collection(collection, preprocessing).data
    assert int(prepared.pixels[:].max()) > 120


@pytest.mark.parametrize(
    ("name", "arrays", "suffix"),
    (
        ("MNIST as PNG", [grey(k, 0, 255, np.uint8) for k in range(8)], "png"),
        ("photos as PNG", [photo(k) for k in range(8)], "png"),
        ("CIFAR-10 as PNG, dark ones first", [grey(k, 0, 255 if k == 5 else 40, np.uint8) for k in range(8)], "png"),
        ("16 bits, all of them", [grey(k, 0, 60_000) for k in range(8)], "tif"),
        ("photos as TIFF", [photo(k) for k in range(8)], "tif"),
        ("palettes", [photo(k).convert("P") for k in range(8)], "png"),
        ("scans of one bit", [photo(k).convert("1") for k in range(8)], "png"),
        ("alpha of stickers", [Image.merge("RGBA", (*photo(k).split(), photo(k).convert("L").point(
            lambda v: 255 if v > 99 else 0))) for k in range(8)], "tif"),
        ("JPEG", [photo(k) for k in range(8)], "jpg"),
        ("astronomy, dark", [grey(k, 0, 60, np.uint8) for k in range(8)], "png"),
        ("photos at night", [photo(k).point(lambda v: v // 8) for k in range(8)], "png"),
        ("one value", [np.full((9, 9), 7, np.uint8)] * 8, "png"),
        ("black pictures", [np.zeros((9, 9), np.uint8)] * 8, "png"),
        ("few pictures", [grey(k, 0, 3, np.uint8) for k in range(4)], "png"),
    ),
)  # fmt: skip
def test_ordinary_pictures_are_left_alone(tmp_path, name, arrays, suffix):
    collection = tellapart.open(saved(tmp_path, arrays, suffix))
    assert collection.value_range is None, name
    assert not any("values" in line for line in (*collection.inferred, *collection.notes)), name
    assert preparation(collection).samples == Preparation(height=1, width=1, colour="grey").samples


def test_a_collection_of_jpegs_is_recognised_by_the_starts_of_a_few_files(tmp_path, monkeypatch):
    saved(tmp_path, [photo(k) for k in range(30)], "jpg")
    read = []
    real = type(tellapart.open(tmp_path).pictures).bytes_of
    monkeypatch.setattr(
        "tellapart.data.collection.EncodedPictures.bytes_of", lambda pictures, i: read.append(i) or real(pictures, i)
    )
    tellapart.open(tmp_path)
    assert not read


def test_a_hot_pixel_does_not_decide(tmp_path):
    pictures = [np.tile(grey(k, 0, 4000), (8, 8)) for k in range(8)]
    pictures[3][0, 0] = 65_535
    collection = tellapart.open(saved(tmp_path, pictures, "tif"))
    assert collection.value_range == (0, 4095)
    assert "above 4,095 (up to 65,535)" in collection.notes[0]


def test_several_hot_pixels_do_not_decide(tmp_path):
    pictures = [grey(k, 0, 4000) for k in range(8)]
    for picture in pictures[:3]:
        picture[3, 3] = 65_535
    collection = tellapart.open(saved(tmp_path, pictures, "png"))
    assert collection.value_range == (0, 4095)
    assert collection.notes == ("3 of 12,800 sampled values are above 4,095 (up to 65,535); they become white",)


def test_a_mixture_of_depths_is_noted(tmp_path):
    pictures = [grey(k, 0, 4000) if k % 2 else grey(k, 0, 255, np.uint8) for k in range(8)]
    collection = tellapart.open(saved(tmp_path, pictures))
    assert collection.value_range == (0, 4095)
    assert any("some pictures have 8 bits per channel and others more" in note for note in collection.notes)
    assert all(collection.read(i).max() > 200 for i in range(8))


def test_floats_without_a_clear_range_are_refused(tmp_path):
    for k, high in enumerate((7.0, 1e6, -3.0)):
        collection = tellapart.open(saved(tmp_path / str(k), [grey(i, 0, high, np.float32) for i in range(8)], "tif"))
        with pytest.raises(PictureError, match="floating-point samples, whose range is unknown"):
            collection.read(0)
    folder = saved(tmp_path / "nan", [grey(i, 0, 1, np.float32) for i in range(8)], "tif")
    broken = grey(0, 0, 1, np.float32)
    broken[0, 0] = np.nan
    preprocessing = preparation(tellapart.open(folder))
    with pytest.raises(PictureError, match="contains NaN or infinity"):
        read_picture(Image.fromarray(broken), samples=preprocessing.samples)


def banded(folder, seeds, bands=4, extra=2, suffix="tif"):
    """Pictures of four bands, the last one like near infrared, marked as alpha (2) or unspecified (0)."""
    for k in seeds:
        planes = [*photo(k, 40, 40).split(), *(photo(50 + k + n, 40, 40).convert("L") for n in range(bands - 3))]
        values = np.dstack([np.asarray(plane) for plane in planes])
        path = folder / "ab"[k % 2] / f"{k}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(tiff_of_bands(values, extra))
    return folder


def tiff_of_bands(values, extra):
    """An uncompressed TIFF of 8-bit bands as GDAL writes them."""
    height, width, bands = values.shape
    data = values.tobytes()
    lists = struct.pack(f"<{bands}H", *[8] * bands) + struct.pack(f"<{bands - 3}H", *[extra] * (bands - 3))
    start = 8 + len(data)
    tags = [(256, 3, 1, width), (257, 3, 1, height), (258, 3, bands, start), (259, 3, 1, 1), (262, 3, 1, 2)]
    tags += [(273, 4, 1, 8), (277, 3, 1, bands), (278, 3, 1, height), (279, 4, 1, len(data)), (284, 3, 1, 1)]
    more = (start + 2 * bands) if bands - 3 > 2 else int.from_bytes(lists[2 * bands :].ljust(4, b"\0"), "little")
    tags.append((338, 3, bands - 3, more))
    directory = struct.pack("<H", len(tags)) + b"".join(struct.pack("<HHII", *tag) for tag in tags) + bytes(4)
    pad = b"\0" * (len(lists) % 2)
    return b"II*\0" + struct.pack("<I", start + len(lists) + len(pad)) + data + lists + pad + directory


@pytest.mark.parametrize("extra", (0, 2))
def test_a_fourth_band_that_varies_like_a_picture_is_not_alpha(tmp_path, extra):
    """NAIP, Pleiades, BigEarthNet exports: RGB and near infrared."""
    collection = tellapart.open(banded(tmp_path, range(8), extra=extra))
    assert np.array_equal(collection.read(0), np.asarray(photo(0, 40, 40)))
    preprocessing = preparation(collection)
    assert np.array_equal(
        read_picture(tmp_path / collection.keys[0], samples=preprocessing.samples), collection.read(0)
    )
    if extra == 2:
        assert collection.notes == (
            "the fourth band of the TIFF pictures is marked as alpha but varies like a picture; it is left out",
        )


def test_more_bands_are_refused_by_name(tmp_path):
    for bands in (5, 6, 13):
        folder = banded(tmp_path / str(bands), range(2), bands=bands, extra=0)
        with pytest.raises(PictureError, match=f"has {bands} bands"):
            tellapart.open(folder).read(0)


def tiff_of_one_band(values, white=0, order="<"):
    """An uncompressed TIFF of integers, in a byte order."""
    height, width = values.shape
    data = values.astype(values.dtype.newbyteorder(order)).tobytes()
    short = [
        (256, width),
        (257, height),
        (258, values.dtype.itemsize * 8),
        (259, 1),
        (262, white),
        (277, 1),
        (278, height),
    ]
    short.append((339, 2 if values.dtype.kind == "i" else 1))
    tags = [(tag, 3, struct.pack(order + "H2x", value)) for tag, value in short]
    tags += [(273, 4, struct.pack(order + "I", 8)), (279, 4, struct.pack(order + "I", len(data)))]
    listed = [struct.pack(order + "HHI", tag, kind, 1) + value for tag, kind, value in sorted(tags)]
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", 8 + len(data))
    return start + data + struct.pack(order + "H", len(tags)) + b"".join(listed) + bytes(4)


@pytest.mark.parametrize("order", ("<", ">"))
@pytest.mark.parametrize("bits", (8, 16))
def test_white_is_zero_is_inverted(bits, order):
    values = grey(1, 0, 4000) if bits == 16 else grey(1, 0, 255, np.uint8)
    got = read_picture(tiff_of_one_band(values, order=order))[:, :, 0].astype(int)
    wanted = 255 - np.floor(values * 255.0 / (2**bits - 1) + 0.5)
    assert np.array_equal(got, wanted)


@pytest.mark.parametrize("order", ("<", ">"))
def test_signed_samples_are_refused_in_every_picture(tmp_path, order):
    """Also below 0 in some pictures only: the range of the others would make these black."""
    for k in range(8):
        path = tmp_path / "ab"[k % 2] / f"{k}.tif"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(tiff_of_one_band(grey(k, -500 if k == 5 else 0, 3500, np.int16), 1, order))
    collection = tellapart.open(tmp_path)
    (place,) = (i for i, key in enumerate(collection.keys) if key.endswith("5.tif"))
    with pytest.raises(PictureError, match="has signed samples"):
        collection.read(place)
    with pytest.raises(PictureError, match="has signed samples of 8 bits"):
        read_picture(tiff_of_one_band(grey(1, -100, 100, np.int8), 1, order))


def test_prediction_on_arrays_and_files_uses_the_recorded_range(tmp_path):
    """Trained on arrays with values 0 to 1.02; predicted on such an array, on bytes, and on a PNG."""
    pixels = np.stack([grey(k, 0, 255, np.uint8) for k in range(4)])[..., None]
    collection = Collection.from_arrays(pixels, np.arange(4) % 2)
    object.__setattr__(collection, "value_range", (0, 1.02))
    samples = preparation(collection).samples
    assert (samples.values, samples.of) == ((0, 1.02), "arrays")
    floats = pixels[0, :, :, 0] / 255 * 1.02
    Image.fromarray(pixels[0, :, :, 0]).save(tmp_path / "a.png")
    for picture in (floats, floats.astype(np.float32), pixels[0, :, :, 0], tmp_path / "a.png"):
        assert np.array_equal(read_picture(picture, samples=samples)[:, :, 0], pixels[0, :, :, 0])
    assert read_picture(floats * 1.1, samples=samples).max() == 255  # a little beyond is clipped
    deep = replace(samples, values=(0, 4095))
    with pytest.raises(PictureError, match=r"has values from 0 to 1; the model was trained on 0 to 4095"):
        read_picture(floats / 1.02, samples=deep)
    with pytest.raises(PictureError, match=r"has values from 0 to 255; the model was trained on 0 to 1.02"):
        read_picture(pixels[0, :, :, 0].astype(np.float64), samples=samples)


def test_other_arrays_are_scaled_by_the_range_of_the_model():
    """A test set whose own values end at 15 is seen by the model as by its training set, which ended at 16."""
    values = np.arange(16, dtype=np.float64).reshape(1, 4, 4, 1).repeat(4, 0)
    collection = Collection.from_arrays(np.rint(values * 17).astype(np.uint8), np.arange(4) % 2)
    object.__setattr__(collection, "value_range", (0, 15))
    preprocessing = Preparation(height=4, width=4, colour="grey", values=(0, 16), values_of="arrays")
    prepared = prepare_collection(collection, preprocessing).data
    assert np.array_equal(prepared.pixels[0].ravel(), np.floor(np.arange(16) * 255 / 16 + 0.5))


def test_bytes_from_0_to_16_have_the_range_of_the_model():
    preprocessing = Preparation(height=4, width=4, colour="grey", values=(0, 16), values_of="arrays")
    digits = np.arange(16, dtype=np.uint8).reshape(4, 4)
    assert read_picture(digits, samples=preprocessing.samples).max() == 239
    with pytest.raises(PictureError, match="trained on 0 to 16"):
        read_picture(digits * 17, samples=preprocessing.samples)


def test_pages_after_the_first_are_named(tmp_path):
    pages = [photo(k, 40, 40) for k in range(3)]
    collection = tellapart.open(saved(tmp_path, [photo(9, 40, 40)] * 8, "tif", save_all=True, append_images=pages))
    assert collection.inferred[-1] == "pictures: the first page of TIFF files with several"
    assert collection.notes == ()
    assert np.array_equal(collection.read(0), np.asarray(photo(9, 40, 40)))


@pytest.mark.parametrize("dtype", (np.uint8, np.float32))
def test_bytes_with_more_levels_have_their_own_range(dtype, tmp_path):
    """Trained on masks of 0 and 1, or on floats; predicted on PNG files from 0 to 255."""
    suffix = "png" if dtype == np.uint8 else "tif"
    samples = preparation(tellapart.open(saved(tmp_path, [grey(k, 0, 1, dtype) for k in range(8)], suffix))).samples
    assert samples.values == (0, 1)
    pixels = grey(1, 0, 255, np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert np.array_equal(read_picture(tmp_path / "a.png", samples=samples)[..., 0], pixels)
    Image.fromarray(pixels // 255).save(tmp_path / "b.png")
    assert np.array_equal(read_picture(tmp_path / "b.png", samples=samples)[..., 0], pixels // 255 * 255)

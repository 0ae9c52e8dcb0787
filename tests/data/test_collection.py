import errno
import pickle
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data.collection import HEAD_BYTES, ArrayPictures, Collection, EncodedPictures
from tellapart.errors import DataError, PictureError
from tests.conftest import make_collection, stripes, write_folder


def test_attributes_and_counts(stripes_collection):
    assert len(stripes_collection) == 36
    assert stripes_collection.label(1) == "down"
    assert stripes_collection.read(0).shape == (12, 12, 1)
    assert stripes_collection.given_splits == ("train", "test")
    assert stripes_collection.class_counts().tolist() == [12, 12, 12]
    assert stripes_collection.class_counts(stripes_collection.indices("test")).tolist() == [4, 4, 4]
    assert repr(stripes_collection) == "<Collection stripes: 36 pictures, 3 classes>"


def test_it_is_a_sequence_of_pixels_and_labels(stripes_collection):
    pixels, label = stripes_collection[np.int64(4)]
    assert np.array_equal(pixels, stripes_collection.read(4))
    assert (pixels.dtype, pixels.shape) == (np.uint8, (12, 12, 1))
    assert type(label) is int
    assert label == stripes_collection.labels[4]
    assert np.array_equal(stripes_collection[-1][0], stripes_collection.read(35))
    assert np.array_equal(stripes_collection[-36][0], stripes_collection.read(0))
    for index in (36, -37):
        with pytest.raises(IndexError, match=f"picture {index} of a collection of 36"):
            stripes_collection[index]
    with pytest.raises(TypeError):
        stripes_collection["0"]
    assert [label for _, label in stripes_collection] == stripes_collection.labels.tolist()
    assert len(list(iter(stripes_collection))) == len(stripes_collection)


def test_reading_fails_at_the_picture_that_is_damaged(tmp_path):
    folder = write_folder(tmp_path / "data", 6)
    (folder / "down" / "001.png").write_bytes(b"nonsense")
    collection = tellapart.open(folder)
    pairs = iter(collection)
    assert [next(pairs)[1] for _ in range(2)] == [0, 0]
    with pytest.raises(PictureError, match=r"down/001\.png"):
        next(pairs)


def test_the_fingerprint_depends_on_pixels_labels_names_and_splits(stripes_collection):
    base = stripes_collection.fingerprint
    assert make_collection().fingerprint == base
    pixels = stripes_collection.pictures.array.copy()
    pixels[5, 5, 5] += 1
    labels = stripes_collection.labels.copy()
    labels[[0, 1]] = labels[[1, 0]]
    for changed in (
        replace(stripes_collection, pictures=ArrayPictures(pixels)),
        replace(stripes_collection, labels=labels),
        replace(stripes_collection, class_names=("a", "down", "squares")),
        replace(stripes_collection, splits=None),
    ):
        assert changed.fingerprint != base


def test_the_fingerprint_does_not_depend_on_the_path(tmp_path):
    a, b = write_folder(tmp_path / "a"), write_folder(tmp_path / "elsewhere" / "b")
    assert tellapart.open(a).fingerprint == tellapart.open(b).fingerprint
    (b / "down" / "001.png").write_bytes(b"changed")
    assert tellapart.open(b).fingerprint != tellapart.open(a).fingerprint


def test_faulty_arguments_are_refused():
    pixels, labels = stripes(6)
    make = {"name": "x", "source": "x.npz", "keys": list("abcdef"), "pictures": ArrayPictures(pixels)}
    with pytest.raises(DataError, match="two classes are named 'a'"):
        Collection(class_names=("a", "b", "a"), labels=labels, **make)
    with pytest.raises(DataError, match="c has label 2"):
        Collection(class_names=("a", "b"), labels=labels, **make)
    with pytest.raises(DataError, match="different lengths"):
        Collection(class_names=("a", "b", "c"), labels=labels[:4], **make)
    with pytest.raises(DataError, match="contains no pictures"):
        Collection("x", "x", ("a",), labels[:0], [], ArrayPictures(pixels[:0]))


def test_from_arrays():
    pixels, labels = stripes(6)
    collection = tellapart.open((pixels, labels))
    assert collection.class_names == ("0", "1", "2")
    assert tellapart.open((pixels, labels), ["a", "b", "c"]).class_names == ("a", "b", "c")
    named = Collection.from_arrays(pixels / 255, np.array(["x", "y", "z"])[labels], splits=["train"] * 4 + ["test"] * 2)
    assert named.class_names == ("x", "y", "z")
    assert len(named.indices("test")) == 2
    assert np.array_equal(named.read(3), collection.read(3))
    valid = Collection.from_arrays(pixels, labels, splits=["train"] * 4 + ["valid"] * 2)
    assert valid.indices("validation").tolist() == [4, 5]
    with pytest.raises(DataError, match="5 split values for 6 pictures"):
        Collection.from_arrays(pixels, labels, splits=["train"] * 5)
    with pytest.raises(DataError, match="among them 'teach'"):
        Collection.from_arrays(pixels, labels, splits=["teach"] + ["test"] * 5)


def test_the_shape_of_a_large_photo_is_read_from_its_first_bytes(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (700, 600, 3), np.uint8)
    for name, options in (("a/1.jpg", {"quality": 95}), ("b/2.png", {})):
        (tmp_path / name).parent.mkdir()
        exif = Image.Exif()
        exif[0x0112] = 6
        Image.fromarray(pixels).save(tmp_path / name, exif=exif, **options)
        assert (tmp_path / name).stat().st_size > HEAD_BYTES
    read = []
    collection = tellapart.open(tmp_path)
    pictures = replace(collection.pictures, load=lambda i: read.append(i) or collection.pictures.load(i))
    assert [pictures.shape(i) for i in range(2)] == [(600, 700, 3), (600, 700, 3)]
    assert read == [1]  # a PNG may say at its end how it is turned


def test_a_damaged_member_of_an_archive_has_the_whole_reason(tmp_path):
    write_folder(tmp_path / "data", 6)
    path = Path(shutil.make_archive(str(tmp_path / "data"), "zip", tmp_path, "data"))
    with zipfile.ZipFile(path) as archive:
        place = archive.getinfo("data/down/001.png").header_offset + 60
    content = bytearray(path.read_bytes())
    content[place : place + 20] = b"\xff" * 20
    path.write_bytes(content)
    collection = tellapart.open(path)
    with pytest.raises(PictureError) as caught:
        collection.read(list(collection.keys).index("down/001.png"))
    assert caught.value.reason.startswith("the archive is damaged (")
    assert caught.value.reason.endswith(")")
    assert not caught.value.temporary


def fails(error):
    def load(i):
        raise error

    return EncodedPictures(1, load, lambda i: 1, lambda i: "a.png")


@pytest.mark.parametrize(
    ("error", "reason", "temporary"),
    (
        (OSError(errno.EIO, "Input/output error"), "cannot be read (Input/output error)", True),
        (MemoryError(), "does not fit in memory", True),
        (FileNotFoundError(errno.ENOENT, "gone"), "does not exist", False),
        (DataError("x: given", "e", "a", reason="any words", temporary=True), "any words", True),
        (DataError("x: given", "e", "a", reason="any words"), "any words", False),
        (DataError("x: given", "e", "a"), "x: given", False),
    ),
)
def test_an_error_has_its_reason_and_whether_it_is_temporary_as_fields(error, reason, temporary):
    with pytest.raises(PictureError) as caught:
        fails(error).bytes_of(0)
    assert (caught.value.source, caught.value.reason, caught.value.temporary) == ("a.png", reason, temporary)


@pytest.mark.parametrize(
    "kind", (PictureError("a.png", "r", "act", temporary=True), DataError("g", "e", "a", reason="r"))
)
def test_errors_keep_their_fields_between_processes(kind):
    copy = pickle.loads(pickle.dumps(kind))
    assert vars(copy) == vars(kind)
    assert str(copy) == str(kind)

import gzip
import struct

import numpy as np
import pytest

import tellapart
from tellapart.data import formats
from tellapart.errors import DataError
from tests.conftest import make_collection


@pytest.fixture
def folder(tmp_path):
    formats.load("idx").write(make_collection(), tmp_path)
    return tmp_path


def test_a_file_and_its_gzip_count_once(folder):
    for file in list(folder.glob("*ubyte")):
        file.with_name(file.name + ".gz").write_bytes(gzip.compress(file.read_bytes()))
    assert len(tellapart.open(folder)) == 36


def test_two_files_of_one_split_are_refused(folder):
    for kind in ("images-idx3", "labels-idx1"):
        (folder / f"letters-train-{kind}-ubyte").write_bytes((folder / f"train-{kind}-ubyte").read_bytes())
    with pytest.raises(DataError, match="contains several files for the train split"):
        tellapart.open(folder)


def test_one_file_of_the_pair_can_be_named(folder):
    collection = tellapart.open(folder / "train-images-idx3-ubyte")
    assert len(collection) == 24
    assert collection.class_names == ("across", "down", "squares")


def test_training_comes_first_as_published(tmp_path):
    formats.load("idx").write(make_collection(), tmp_path)
    for kind in ("images-idx3", "labels-idx1"):
        (tmp_path / f"test-{kind}-ubyte").rename(tmp_path / f"t10k-{kind}-ubyte")
    collection = tellapart.open(tmp_path)
    assert collection.splits.tolist() == ["train"] * 24 + ["test"] * 12
    assert collection.keys[0] == "train/00000"


def write(path, array, kind=8):
    array = np.asarray(array)
    header = struct.pack(">BBBB", 0, 0, kind, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
    path.parent.mkdir(parents=True, exist_ok=True)
    data = header + array.astype({8: "u1", 11: ">i2", 12: ">i4", 13: ">f4"}[kind]).tobytes()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


PICTURES = (np.random.default_rng(0).random((30, 9, 9)) * 255).astype(np.uint8)
LABELS = np.arange(30) % 3


@pytest.mark.parametrize(
    ("source", "images", "labels"),
    (
        ("MNIST", "train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
        ("hojjatk/mnist-dataset", "train-images.idx3-ubyte", "train-labels.idx1-ubyte"),
        ("unpacked by Kaggle", "a/train-images-idx3-ubyte", "b/train-labels-idx1-ubyte"),
        ("QMNIST", "qmnist-train-images-idx3-ubyte.gz", "qmnist-train-labels-idx2-int.gz"),
    ),
)  # fmt: skip
def test_names_of_other_sets(source, images, labels, tmp_path):
    write(tmp_path / images, PICTURES)
    if "qmnist" in labels:
        write(tmp_path / labels, np.stack([LABELS, LABELS * 7, LABELS], axis=1), 12)
    else:
        write(tmp_path / labels, LABELS)
    collection = tellapart.open(tmp_path)
    assert np.array_equal(collection.pictures.array[..., 0], PICTURES), source
    assert collection.labels.tolist() == LABELS.tolist()
    assert collection.notes == ()
    assert len(collection.inferred) == ("qmnist" in labels)


def test_kaggles_two_copies_count_once(tmp_path):
    for kind, array in (("images-idx3", PICTURES), ("labels-idx1", LABELS)):
        write(tmp_path / f"train-{kind.replace('-', '.')}-ubyte", array)
        write(tmp_path / f"train-{kind}-ubyte" / f"train-{kind}-ubyte", array)
    assert len(tellapart.open(tmp_path)) == 30


@pytest.mark.parametrize(("kind", "factor", "value_range"), ((11, 16, (0, 4095)), (12, 1, None), (13, 1 / 255, None)))
def test_other_types(kind, factor, value_range, tmp_path):
    write(tmp_path / "train-images-idx3-ubyte", PICTURES * float(factor), kind)
    write(tmp_path / "train-labels-idx1-ubyte", LABELS, 12)
    collection = tellapart.open(tmp_path)
    assert collection.value_range == value_range
    assert np.abs(collection.pictures.array[..., 0].astype(int) - PICTURES).max() <= 1


@pytest.mark.parametrize(
    ("part", "mapping", "names"),
    (
        ("letters", "1 65 97\n2 66 98\n3 67 99\n", ("A", "B", "C")),
        ("balanced", "0 48\n1 49\n2 50\n3 65\n", ("0", "1", "2")),
        ("byclass", None, ("0", "1", "2")),
    ),
)
def test_emnist_is_turned_upright(part, mapping, names, tmp_path):
    shift = part == "letters"
    for split in ("train", "test"):
        write(tmp_path / f"emnist-{part}-{split}-images-idx3-ubyte.gz", PICTURES.transpose(0, 2, 1))
        write(tmp_path / f"emnist-{part}-{split}-labels-idx1-ubyte.gz", LABELS + shift)
    if mapping:
        (tmp_path / f"emnist-{part}-mapping.txt").write_text(mapping)
    collection = tellapart.open(tmp_path)
    assert np.array_equal(collection.read(0)[..., 0], PICTURES[0])
    assert collection.class_names == names
    assert "turned upright" in collection.inferred[0]
    assert collection.notes == ()


def test_emnists_mapping_must_list_all_labels(tmp_path):
    write(tmp_path / "emnist-letters-train-images-idx3-ubyte", PICTURES)
    write(tmp_path / "emnist-letters-train-labels-idx1-ubyte", LABELS)
    (tmp_path / "emnist-letters-mapping.txt").write_text("1 65 97\n")
    with pytest.raises(DataError, match="does not list the label 0"):
        tellapart.open(tmp_path)

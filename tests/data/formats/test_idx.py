import gzip

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

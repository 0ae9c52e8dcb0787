"""Named data sets: the real ones in small doses."""

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.data import datasets
from tellapart.progress import silent
from tests.conftest import make_collection


def test_digits():
    collection = tellapart.open("digits")
    assert len(collection) == 1797
    assert collection.class_names[6] == "six"
    assert collection.pictures.array.max() == 255
    assert datasets.where("digits") == "comes with scikit-learn"


def test_digits_are_the_same_wherever_scikit_learn_keeps_them(monkeypatch):
    from tellapart.data.datasets import digits

    straight = digits.built_in()
    monkeypatch.setattr(digits, "find_spec", lambda name: None)
    assert digits.built_in().fingerprint == straight.fingerprint


@pytest.mark.parametrize(
    ("name", "shape", "train", "test", "classes"),
    (
        ("mnist", (28, 28, 1), 60_000, 10_000, ("zero", "nine")),
        ("fashion-mnist", (28, 28, 1), 60_000, 10_000, ("T-shirt/top", "Ankle boot")),
        ("cifar10", (32, 32, 3), 50_000, 1_000, ("airplane", "truck")),
    ),
)
def test_real_sets(name, shape, train, test, classes, real_data, monkeypatch):
    monkeypatch.setenv("TELLAPART_DATA", str(real_data))
    collection = tellapart.open(name)
    assert collection.name == name
    assert collection.read(0).shape == shape
    assert len(collection.indices("train")) == train
    assert len(collection.indices("test")) == test
    assert (collection.class_names[0], collection.class_names[9]) == classes
    assert str(real_data) in datasets.where(name)


def test_a_zip_in_the_folder_and_the_cache(tmp_path, monkeypatch):
    """A set is found as <name>.zip, and in the cache once its files are whole."""
    import zipfile

    from tellapart.data import formats

    collection = make_collection(splits=True)
    (tmp_path / "idx").mkdir()
    formats.load("idx").write(collection, tmp_path / "idx")
    (tmp_path / "idx" / "classes.txt").unlink()
    with zipfile.ZipFile(tmp_path / "mnist.zip", "w") as archive:
        for file in (tmp_path / "idx").iterdir():
            archive.write(file, file.name)
    monkeypatch.setenv("TELLAPART_DATA", str(tmp_path))
    got = tellapart.open("mnist")
    assert len(got) == 36
    assert got.class_names[:3] == ("zero", "one", "two")
    monkeypatch.delenv("TELLAPART_DATA")
    monkeypatch.setenv("TELLAPART_CACHE", str(tmp_path / "cache"))
    assert datasets.where("mnist") == "to be downloaded once (12 MB)"
    assert datasets.local_path("mnist") is None
    (tmp_path / "cache" / "mnist").mkdir(parents=True)
    for file in datasets.load("mnist").FILES:
        assert datasets.local_path("mnist") is None
        with (tmp_path / "cache" / "mnist" / file.name).open("wb") as kept:
            kept.truncate(file.size)
    assert datasets.local_path("mnist") == tmp_path / "cache" / "mnist"


@pytest.mark.parametrize("name", [name for name in datasets.names() if name != "digits"])
def test_files_have_hashes(name):
    for file in datasets.load(name).FILES:
        assert len(bytes.fromhex(file.sha256)) == 32
        assert file.size > 1000
        assert all(url.startswith("http") for url in file.urls)


def test_cats_dogs_zip_as_the_fifth_tutorial_has_it(real_data):
    collection = tellapart.open(real_data / "cats-dogs.zip")
    assert collection.class_names == ("cats", "dogs")
    assert collection.class_counts(collection.indices("train")).tolist() == [4000, 4000]
    assert collection.class_counts(collection.indices("test")).tolist() == [1000, 1000]
    assert collection.read(9999).shape == (200, 200, 3)


def test_flowers_zip_without_splits(real_data):
    collection = tellapart.open(real_data / "flowers.zip")
    assert len(collection) == 4317
    assert collection.given_splits == ()
    assert len(collection.class_names) == 5


def test_a_tutorial_learns_from_real_pictures(real_data, monkeypatch, tmp_path):
    """Tutorial A on a tenth of MNIST for four epochs: far above the baseline."""
    monkeypatch.setenv("TELLAPART_DATA", str(real_data))
    mnist = tellapart.open("mnist")
    keep = np.r_[0:6000, 60_000:61_000]
    small = tellapart.Collection.from_arrays(
        mnist.pictures.array[keep], mnist.labels[keep], mnist.class_names, mnist.splits[keep], name="mnist"
    )
    run = tellapart.train(small, recipe="lenet", epochs=4, runs=tmp_path, on_event=silent)
    test = run.evaluations["test"]
    assert test.count == 1000
    assert test.accuracy > 0.85 > 3 * test.baseline_accuracy


def test_the_digit_that_the_fourth_tutorial_draws(real_data, monkeypatch, tmp_path):
    """Column 9, rows 5 to 22, at 180, and the diagonal 9 to 18 at 250: the same answer from a PNG and from an array."""
    monkeypatch.setenv("TELLAPART_DATA", str(real_data))
    mnist = tellapart.open("mnist")
    few = slice(0, 500)  # that the answers agree is the point, not that they are right
    small = tellapart.Collection.from_arrays(mnist.pictures.array[few], mnist.labels[few], mnist.class_names)
    run = tellapart.train(small, recipe="digits-2conv", epochs=1, runs=tmp_path, on_event=silent)
    drawn = np.zeros((28, 28), np.uint8)
    drawn[5:23, 9] = 180
    drawn[np.arange(9, 19), np.arange(9, 19)] = 250
    Image.fromarray(drawn).save(tmp_path / "drawn.png")
    classifier = tellapart.load(run.model_path)
    from_file, from_array = classifier.predict(tmp_path / "drawn.png"), classifier.predict(drawn)
    assert from_file.label in mnist.class_names
    assert np.array_equal(from_file.values, from_array.values)

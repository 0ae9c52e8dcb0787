"""Class names that print alike are joined or reported, in every format."""

import unicodedata

import numpy as np
import pytest

import tellapart
from tellapart.errors import DataError
from tests.layouts import pictures

NFC, NFD = (unicodedata.normalize(form, "épagneul") for form in ("NFC", "NFD"))


@pytest.mark.parametrize(
    ("names", "joined"),
    (
        (("cat", "cat ", "dog"), "cat"),
        (("cat", "\ufeffcat", "dog"), "cat"),
        (("cat", "c\u200bat", "dog"), "cat"),
        (("great  dane", "great dane", "poodle"), "great dane"),
        (("great\u00a0dane", "great dane", "poodle"), "great dane"),
        ((NFC, NFD, "poodle"), NFC),
        (("caf\u00e9", "cafe\u0301 ", "bar"), "caf\u00e9"),
    ),
)
def test_names_that_can_only_mean_one_class(names, joined, tmp_path):
    x, y = np.zeros((12, 8, 8), np.uint8), np.array(names * 4)
    collection = tellapart.open((x, y))
    assert sorted(collection.class_names) == sorted((joined, names[2]))
    assert collection.class_counts()[collection.class_names.index(joined)] == 8
    assert collection.notes[-1].startswith("joined: the class names ")
    assert collection.notes[-1].isascii() or joined in collection.notes[-1]


@pytest.mark.parametrize("names", (("Cat", "cat", "dog"), ("NORMAL", "normal", "x"), ("Ärztin", "ärztin", "x")))
def test_names_that_differ_in_case_are_reported(names, tmp_path):
    collection = tellapart.open((np.zeros((6, 8, 8), np.uint8), np.array(names * 2)))
    assert len(collection.class_names) == 3
    assert f"the class names {names[0]!r} and {names[1]!r} differ only in case" in collection.notes[-1]


@pytest.mark.parametrize("names", (("1", "01", "1.0"), ("a b", "ab", "a_b"), ("cat", "cats", "dog "), ("ß", "s", "x")))
def test_names_that_differ_visibly(names):
    collection = tellapart.open((np.zeros((6, 8, 8), np.uint8), np.array(names * 2)))
    assert set(collection.class_names) == set(names)
    assert collection.notes == ()


def test_folders(tmp_path):
    root = pictures(tmp_path / "x", "{cat,cat ,dog}/x.png")
    collection = tellapart.open(root)
    assert collection.class_names == ("cat", "dog")
    assert collection.class_counts().tolist() == [6, 3]
    assert "the class names 'cat' and 'cat ' print alike" in collection.notes[0]
    again = tellapart.open(root, ["dog", "cat"])
    assert (again.class_names, again.class_counts().tolist()) == (("dog", "cat"), [3, 6])
    assert again.fingerprint == collection.fingerprint
    with pytest.raises(DataError, match="the folder 'dog' is not one of the class names"):
        tellapart.open(root, ["cat"])


def test_a_table(tmp_path):
    root = pictures(tmp_path / "x", "p/*.png", count=6)
    rows = "".join(f"p/{i}.png,{name}\n" for i, name in enumerate((NFC, NFD, "x", NFC, NFD, "x")))
    (root / "labels.csv").write_text(f"file_name,label\n{rows}", encoding="utf-8")
    collection = tellapart.open(root)
    assert collection.class_counts().tolist() == [2, 4]
    assert tellapart.open(root, list(collection.class_names)).class_counts().tolist() == [2, 4]


def test_names_that_the_user_gave_are_not_joined(tmp_path):
    root = pictures(tmp_path / "x", "{cat,cat ,dog}/x.png")
    collection = tellapart.open(root, ["cat", "cat ", "dog"])
    assert len(collection.class_names) == 3
    assert "print alike" in collection.notes[-1]

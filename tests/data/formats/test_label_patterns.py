"""Labels in the names of files: `--label`, and the pattern that an error suggests, which works when it is pasted."""

import re
import shlex

import pytest

import tellapart
from tellapart.errors import DataError, UsageError
from tests.layouts import pictures

FLAT = {
    # name: (files, of which * is a number; classes that the suggested pattern gives)
    "Dogs vs Cats": (("train/{cat,dog}.*.jpg", "test1/*.jpg"), "cat dog"),
    "Oxford pets": (("images/{Abyssinian,great_pyrenees,Bombay}_*.jpg",), "Abyssinian Bombay great_pyrenees"),
    "ImageNet, flat": (("{n01440764,n01443537}_1002*.JPEG",), "n01440764 n01443537"),
    "fruits": (("{apple,banana,mixed}_00*.png",), "apple banana mixed"),
    "brackets": (("{daisy,rose} (*).png",), "daisy rose"),
    "hashes": (("{cat,dog}_*f3a.png",), "cat dog"),
    "names at the end": (("*-{cat,dog}.png",), "cat dog"),
    "weather": (("dataset2/{cloudy,rain,shine,sunrise}*.jpg",), "cloudy rain shine sunrise"),
    "faces": (("subject0{1,2,3}.*.png",), "subject01 subject02 subject03"),
    "one folder of pictures": (("pets/{cat,dog}.*.jpg",), "cat dog"),
    "classes with splits": (("{cat,dog}_{train,test}/*.jpg",), "cat dog"),
    "portions": (("images_1/{cat,dog}_1*.jpg", "images_2/{cat,dog}_2*.jpg"), "cat dog"),
}


def suggested(error):
    """The --label in the text of an error, as a shell reads it."""
    return shlex.split(re.search(r"--label ('[^']*'|\S+)", error.action)[1])[0]


@pytest.mark.parametrize("name", FLAT)
def test_the_suggested_pattern_works(name, tmp_path):
    patterns, classes = FLAT[name]
    root = pictures(tmp_path / "x", *patterns)
    with pytest.raises(DataError) as caught:
        tellapart.open(root)
    assert f"({classes.split()[0]} " in caught.value.action.replace(classes.split()[-1], classes.split()[0], 1)
    collection = tellapart.open(root, label=suggested(caught.value))
    assert collection.class_names == tuple(classes.split())
    assert len(collection) == 3 * len(classes.split()) * (2 if name in ("portions", "classes with splits") else 1)
    assert collection.inferred[0] == f"label: from the path of each picture, pattern {suggested(caught.value)}"


def test_numbers_in_names_are_choices(tmp_path):
    """UTKFace: age, gender, race and date; tellapart does not guess which of them is meant."""
    for k in range(4):
        pictures(tmp_path / "x", f"{20 + k}_{k % 2}_{{0,1}}_2017010*.jpg", count=4)
    with pytest.raises(DataError) as caught:
        tellapart.open(tmp_path / "x")
    assert "the file names consist of numbers; if one of them is the class" in caught.value.action
    assert caught.value.action.count("--label") >= 2
    assert tellapart.open(tmp_path / "x", label=suggested(caught.value)).class_names == ("20", "21", "22", "23")


@pytest.mark.parametrize("name", ("IMG_*.jpg", "image_000*.jpg", "*.jpg", "DSC0*.jpg", "2023010*_120000.jpg"))
def test_names_that_do_not_contain_a_class(name, tmp_path):
    with pytest.raises(DataError) as caught:
        tellapart.open(pictures(tmp_path / "x", name, count=6))
    assert caught.value.action.startswith("move the pictures into class folders")


def test_a_table_is_named_where_there_are_no_class_folders(tmp_path):
    root = pictures(tmp_path / "x", "train/*.jpg")
    (root / "notes.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match=r"notes\.csv"):
        tellapart.open(root)


def test_splits_come_from_the_folders(tmp_path):
    root = pictures(tmp_path / "x", "{train,test}/{cat,dog}.*.jpg", "test/IMG*.jpg")
    collection = tellapart.open(root, label=r"(cat|dog)\.\d+")
    assert collection.given_splits == ("train", "test")
    assert collection.class_counts().tolist() == [6, 6]
    assert collection.inferred == (
        r"label: from the path of each picture, pattern (cat|dog)\.\d+",
        "split: from the folders test and train",
    )
    assert collection.notes == (r"--label '(cat|dog)\.\d+': 3 pictures without a match left out (test/IMG0.jpg, ...)",)


def test_parent_and_grandparent(tmp_path):
    root = pictures(tmp_path / "x", "{color,gray}/{apple,corn,rice}/x.jpg")
    assert tellapart.open(root, label="parent").class_names == ("apple", "corn", "rice")
    assert tellapart.open(root, label="grandparent").class_names == ("color", "gray")
    assert tellapart.open(root, label="parent").inferred == ("label: from the folder of each picture (parent)",)


def test_parent_with_splits(tmp_path):
    root = pictures(tmp_path / "x", "{train,test}/{canis/{lupus,latrans},felis/catus}/x.jpg")
    collection = tellapart.open(root, label="parent")
    assert collection.class_names == ("catus", "latrans", "lupus")
    assert collection.given_splits == ("train", "test")
    assert tellapart.open(root, label="grandparent").class_names == ("canis", "felis")


def test_parent_makes_a_class_of_every_folder(tmp_path):
    root = pictures(tmp_path / "x", "{cat,dog,test}/x.jpg")
    collection = tellapart.open(root, label="parent")
    assert (collection.class_names, collection.splits) == (("cat", "dog", "test"), None)


@pytest.mark.parametrize(
    ("label", "words"),
    (
        ("cat", "is a regular expression without a group"),
        ("(cat", "is not a valid regular expression"),
        ("(bird)", "does not occur in the path of any picture (cat/0_x.jpg, ...)"),
        ("(bird)", "search for a part of the path, including folders"),
    ),
)
def test_patterns_that_do_not_work(label, words, tmp_path):
    with pytest.raises(UsageError) as caught:
        tellapart.open(pictures(tmp_path / "x", "{cat,dog}/x.jpg"), label=label)
    assert words in str(caught.value)
    assert "group" in caught.value.expected


def test_a_group_that_is_one_of_several(tmp_path):
    root = pictures(tmp_path / "x", "{cat.*,*-dog}.jpg")
    assert tellapart.open(root, label=r"^(cat)\.|-(dog)\.").class_names == ("cat", "dog")


def test_an_archive(tmp_path):
    import shutil

    root = pictures(tmp_path / "x", "train/{cat,dog}.*.jpg")
    shutil.make_archive(str(tmp_path / "data"), "zip", root)
    collection = tellapart.open(tmp_path / "data.zip", label=r"(cat|dog)\.\d+")
    assert collection.class_counts().tolist() == [3, 3]


@pytest.mark.parametrize("source", ("digits", ([[[0]]], [0])))
def test_a_layout_of_data_that_has_none(source):
    with pytest.raises(UsageError, match="--label parent with"):
        tellapart.open(source, label="parent")
    with pytest.raises(UsageError, match="--images x with pictures in memory"):
        tellapart.open(tellapart.open("digits"), images="x")

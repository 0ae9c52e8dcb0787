"""Layouts of folders as public data sets have them: with test sets, masks, copies and other folders next to classes."""

import contextlib
import shutil
import time

import pytest

import tellapart
from tellapart.data.formats._folder_evidence import Folders
from tellapart.data.formats._folder_reading import read_folders
from tellapart.data.formats._folder_result import Source
from tellapart.errors import DataError
from tests.layouts import pictures

READ = {
    # name: (files; class names; pictures; words in a line about it)
    "rock-paper-scissors": (
        "{rps/rps/{paper,rock},rps-test-set/rps-test-set/{paper,rock},rps-validation}/x.png",
        "paper rock",
        12,
        "split: from the folders rps and rps-test-set",
    ),
    "Simpsons": (
        "{simpsons_dataset/{bart,homer},kaggle_simpson_testset/kaggle_simpson_testset}/x.png",
        "bart homer",
        6,
        "skipped: kaggle_simpson_testset (3 pictures without labels)",
    ),
    "birds and their segmentations": (
        "{CUB_200_2011/images,segmentations}/{albatross,auklet}/x.png",
        "albatross auklet",
        6,
        "skipped: segmentations (6 pictures that belong to those in CUB_200_2011)",
    ),
    "objects with states in splits": (
        "{bottle,cable}/{train/good,test/{good,broken}}/x.png",
        "bottle cable",
        18,
        "bottle (broken and good)",
    ),
    "classes in two folders": ("{benign,malignant}/SOB/{p,q,r}_*/x.png", None, 0, "--label parent"),
    "one class with kinds": (
        "{normal,pneumonia/{bacteria,virus}}/x.png",
        "normal pneumonia",
        9,
        "only the class folder pneumonia contains folders (bacteria and virus)",
    ),
    "train next to one folder": ("{train,external}/x.png", "external train", 6, "are read as two classes"),
    "the same pictures, with splits and without": (
        "{casting_512x512/casting_512x512,casting_data/casting_data/{train,test}}/{def,ok}/x.png",
        None,
        0,
        "--label parent takes the folder of each picture",
    ),
    "images twice": ("{images,fashion/images}/x.png", None, 0, "outside class folders"),
    "a folder called jpg": ("jpg/image_*.png", None, 0, "outside class folders"),
    "parts that are classes": ("{part1,part2}/x.png", None, 0, "if part1 and part2 are classes, add --label parent"),
    "a folder for test pictures without labels": (
        "{train/{cat,dog},test/unknown}/x.png",
        "cat dog",
        6,
        "skipped: test (3 pictures in the folder unknown, which is not a class in training)",
    ),
    "classes without training": (
        "{train/{cat,dog},test/{cat,dog,emu}}/x.png",
        "cat dog emu",
        15,
        "1 class without training pictures: emu",
    ),
    "file formats in the names of splits": ("{train-jpg,test-jpg-v2}/{a,b}/x.png", "a b", 12, "train-jpg"),
}


@pytest.mark.parametrize("name", READ)
def test_public_layouts(name, tmp_path):
    pattern, classes, count, words = READ[name]
    root = pictures(tmp_path / "x", pattern)
    if classes is None:
        with pytest.raises(DataError) as caught:
            tellapart.open(root)
        assert words in str(caught.value)
        return
    collection = tellapart.open(root)
    assert collection.class_names == tuple(classes.split())
    assert len(collection) == count
    assert any(words in line for line in (*collection.inferred, *collection.notes)), collection


def test_files_of_the_same_size_are_not_copies(tmp_path):
    root = pictures(tmp_path / "x", "set/{set/,}{cat,dog}/x.png", count=1)
    for number, path in enumerate(sorted(root.rglob("*.png"))):  # uncompressed files of one shape have one size
        path.write_bytes(b"P5 2 1 255 " + bytes([number, 9]))
    assert len(tellapart.open(root)) == 4


def test_masks_next_to_their_pictures_are_skipped(tmp_path):
    root = pictures(tmp_path / "x", "{benign,malignant}/a*.png", count=3)
    for path in sorted(root.rglob("*.png")):
        shutil.copy(path, path.with_name(f"{path.stem}_mask.png"))
    shutil.copy(root / "benign" / "a1.png", root / "benign" / "a1_mask_1.png")
    shutil.copy(root / "benign" / "a1.png", root / "benign" / "another_mask.png")
    collection = tellapart.open(root)
    assert len(collection) == 7
    assert collection.inferred[-1] == (
        "skipped: 7 masks named after the pictures in the same folder (benign/a0_mask.png, ...)"
    )
    assert not collection.notes


def test_faces_with_and_without_masks_are_not_skipped(tmp_path):
    root = pictures(tmp_path / "x", "with_mask/p*-with-mask.png", "with_mask/q*_mask.png", "without_mask/q*.png")
    collection = tellapart.open(root)
    assert len(collection) == 9
    assert collection.inferred == ("label: from the folder names",)


def test_classes_with_splits_in_the_names_of_their_folders(tmp_path):
    root = pictures(tmp_path / "x", "{cat_train,dog_train,cat_test,dog_test}/cat.*.png")
    with pytest.raises(DataError) as caught:
        tellapart.open(root)
    assert "(cat 6, dog 6)" in str(caught.value)


@pytest.mark.parametrize("pattern", ("c{0}/{1}_{0}/x", "c{0}/{1}/x", "c{0}_train{0}/{1}/x", "fold_{0}/{1}/x"))
def test_the_time_is_linear_in_the_number_of_folders(pattern):
    names = [pattern.format(i, kid) for i in range(20_000) for kid in ("q", "r")]
    start = time.process_time()
    with contextlib.suppress(DataError):
        read_folders(Folders(names), Source("x", False, lambda i: i, lambda i: b""))
    assert time.process_time() - start < 20

"""Folder layouts that could be read in another way: classes, splits, and what is skipped, noted or refused."""

import shutil
import tracemalloc
import zipfile

import pytest

import tellapart
from tellapart.data.groups import grouped
from tellapart.errors import DataError
from tests.layouts import pictures

SPLITS = {"all": ["train", "validation", "test"], "train test": ["train", "test"], "train val": ["train", "validation"]}

ODD = {
    # name: (files; class names or None if it is refused; splits; pictures; words in a line about it or in the error)
    "exact words": (
        "{train,Validate,holdout}/{a,b}/x.jpg",
        "a b",
        "all",
        18,
        "split: from the folders Validate, holdout and train",
    ),
    "words with what is in there": (
        "{train_images,test_images}/{a,b}/x.jpg",
        "a b",
        "train test",
        12,
        "test_images and train_images",
    ),
    "words in a name": ("{my-dataset-train,my-dataset-val}/{a,b}/x.jpg", "a b", "train val", 12, "my-dataset-train"),
    "capitals and versions": ("{Training_Set_v2,Test_Set_v2}/{a,b}/x.jpg", "a b", "train test", 12, "Training_Set_v2"),
    "numbers in front": ("{01_train,02_val,03_test}/{a,b}/x.jpg", "a b", "all", 18, "01_train"),
    "joined words": ("{trainData,testData}/{a,b}/x.jpg", "a b", "train test", 12, "trainData"),
    "eval next to test": ("{train,eval,test}/{a,b}/x.jpg", "a b", "all", 18, "eval"),
    "other words, same classes": ("{kaggle_train,own_test}/{a,b}/x.jpg", "a b", "train test", 12, "kaggle_train"),
    "a set of two tests": ("{train,test1,test2}/{a,b}/x.jpg", "a b", "train test", 18, "test1"),
    "data around each split": ("{train,test}/images/{a,b}/x.jpg", "a b", "train test", 12, "train"),
    "classes called like splits": (
        "{test_tube,validation_stamp}/x.jpg",
        "test_tube validation_stamp",
        "",
        6,
        "folder names",
    ),
    "a class called development": ("{development,research}/x.jpg", "development research", "", 6, "folder names"),
    "vehicles with kinds": (
        "{bus/{city,coach},car/{suv,van},train/{diesel,steam}}/x.jpg",
        "bus car train",
        "",
        18,
        "bus (city and coach)",
    ),
    "one class with kinds": (
        "{bus,car,train/{diesel,steam}}/x.jpg",
        None,
        "",
        0,
        "the folder train is named after a split",
    ),
    "vehicles in splits": ("{train,test}/{bus,train}/x.jpg", "bus train", "train test", 12, "split"),
    "malaria, in itself": (
        "cell_images/{{P,U},cell_images/{P,U}}/x.png",
        "P U",
        "",
        12,
        "repeated: cell_images/cell_images",
    ),
    "flowers, in itself": (
        "flowers/{{daisy,rose,tulip},flowers/{daisy,rose}}/x.jpg",
        "daisy rose tulip",
        "",
        15,
        "repeated: flowers/flowers",
    ),
    "chest X-rays, in itself": (
        "chest_xray/{{train,test,val}/{N,P},chest_xray/{train,test,val}/{N,P}}/x.jpg",
        "N P",
        "all",
        36,
        "repeated",
    ),
    "plants, next to a test set": (
        "{Plants(Augmented)/Plants(Augmented)/{train,valid}/{a,b},test/test}/x.jpg",
        "a b",
        "train val",
        12,
        "left out: 3 pictures",
    ),
    "PlantVillage": ("set/{color,grayscale,segmented}/{Apple,Corn,Tomato}/x.jpg", None, "", 0, "set/color"),
    "Office-31": ("{amazon,dslr,webcam}/images/{back_pack,bike,mug}/x.jpg", None, "", 0, "--label parent"),
    "patients with two classes": ("{8863,8864,8865}/{0,1}/x.png", None, "", 0, "--label grandparent"),
    "images and their masks": (
        "{images,masks}/{a,b}/x.png",
        "a b",
        "",
        6,
        "skipped: masks (6 pictures that belong to those in images)",
    ),
    "two views": ("{cat,dog}/{left,right}/x.png", None, "", 0, "left and right"),
    "only images and masks": ("{images,masks}/x.png", None, "", 0, "outside class folders"),
    "EuroSAT in two renderings": ("{EuroSAT,EuroSATallBands}/{Forest,River}/x.png", None, "", 0, "EuroSATallBands"),
    "folds": ("fold_{0,1,2}/{all,hem}/x.jpg", "all hem", "", 18, "merged: fold_0, fold_1 and fold_2"),
    "folds in training": ("{train/fold_{0,1},test}/{a,b}/x.jpg", "a b", "train test", 18, "--group fold"),
    "cameras": ("camera{1,2,3}/{car,truck}/x.jpg", "car truck", "", 18, "--group camera"),
    "parts": ("data/part-{1,2}/{car,truck}/x.jpg", "car truck", "", 12, "merged: part-1 and part-2"),
    "numbered classes": ("class_{0,1,2}/x.jpg", "class_0 class_1 class_2", "", 9, "folder names"),
    "portions without classes": ("{images_001,images_002}/x.jpg", None, "", 0, "outside class folders"),
    "signs with drawings": (
        "{Train/{0,1,2},Meta}/x.png",
        "0 1 2",
        "train",
        9,
        "skipped: Meta (3 pictures without labels)",
    ),
    "pictures to predict": (
        "{{train,test}/{a,b},pred}/x.jpg",
        "a b",
        "train test",
        12,
        "skipped: pred (3 pictures without labels)",
    ),
    "samples next to classes": ("{cat,dog,samples}/x.jpg", "cat dog", "", 6, "skipped: samples (3 pictures"),
    "thumbnails next to images": ("{images/{cat,dog},Thumbnails}/x.jpg", "cat dog", "", 6, "skipped: Thumbnails"),
    "thumbnails of a network drive": ("{cat,dog}/{.,@eaDir}/x.jpg", "cat dog", "", 6, "folder names"),
    "another set next to splits": (
        "{train,test,extra}/{a,b}/x.jpg",
        "a b",
        "train test",
        12,
        "skipped: extra (6 pictures",
    ),
    "a class outside splits": (
        "{{train,test}/{a,b},a}/x.jpg",
        "a b",
        "train test",
        15,
        "used for training: 3 pictures",
    ),
    "a test set next to classes": (
        "{cat,dog,test}/x.jpg",
        "cat dog",
        "",
        6,
        "left out: 3 pictures outside class folders (test/",
    ),
    "species": (
        "{canis/{lupus,latrans},felis/catus}/x.jpg",
        "canis felis",
        "",
        9,
        "canis (latrans and lupus), felis (catus)",
    ),
    "species of the same name": (
        "{beta/{vulgaris,procumbens},linaria/{vulgaris,alpina}}/x.jpg",
        "beta linaria",
        "",
        12,
        "beta (procumbens and vulgaris)",
    ),
    "a class in another one": (
        "{cat,cat/dog,dog,emu}/x.jpg",
        "cat dog emu",
        "",
        12,
        "the class folder cat contains folders named like other classes (dog)",
    ),
    "doubled class folders": ("{cats/cats,dogs/dogs}/x.jpg", "cats dogs", "", 6, "folder names"),
    "masks of a split": ("{train,train_masks,test}/{a,b}/x.png", "a b", "train test", 12, "skipped: train_masks (6"),
    "renderings of splits": ("{train,test}_{color,gray}/{a,b}/x.png", None, "", 0, "train_gray"),
    "renderings with splits": ("{color,gray}/{train,test}/{a,b}/x.png", None, "", 0, "color and gray"),
    "folds with splits": ("fold_{1,2}/{train,test}/{a,b}/x.png", None, "", 0, "fold_1 reads one of them"),
    "masks next to classes": ("{cat,dog,masks/{cat,dog}}/x.png", "cat dog", "", 6, "skipped: masks (6 pictures"),
    "another set next to classes": (
        "{cat,dog,augmented/{cat,dog}}/x.png",
        "cat dog",
        "",
        6,
        "skipped: augmented (6 pictures",
    ),
    "MVTec": (
        "bottle/{train/good,test/{good,broken},ground_truth/broken}/x.png",
        "broken good",
        "train test",
        9,
        "skipped: bottle/ground_truth",
    ),
    "MVTec, all": (
        "{bottle,cable}/{train/good,test/{good,broken},ground_truth/broken}/x.png",
        "bottle cable",
        "train test",
        18,
        "skipped: ground_truth",
    ),
    "days": ("{2023-01-05,2023-01-06}/x.jpg", None, "", 0, "outside class folders"),
    "folders of a camera": ("DCIM/{100CANON,101CANON}/x.jpg", None, "", 0, "outside class folders"),
    "horse to zebra": ("{trainA,trainB,testA,testB}/x.jpg", None, "", 0, "outside class folders"),
    "COCO names": ("{train2017,val2017}/{a,b}/x.jpg", "a b", "train val", 12, "train2017"),
    "STL-10": (
        "{{train,test}/{a,b},unlabeled}/x.png",
        "a b",
        "train test",
        12,
        "skipped: unlabeled (3 pictures without labels)",
    ),
    "words of another language": ("{entrenamiento,prueba}/{a,b}/x.jpg", None, "", 0, "entrenamiento and prueba"),
    "years": ("{2019,2020}/{a,b}/x.jpg", None, "", 0, "2019 and 2020"),
    "a test and a control group": ("{test,control}/x.jpg", None, "", 0, "--label parent reads every folder"),
    "YOLO classification without classes": ("{train,valid}/images/x.jpg", None, "", 0, "outside class folders"),
    "ASL alphabet": (
        "{asl_alphabet_train/asl_alphabet_train/{A,B},asl_alphabet_test/asl_alphabet_test}/x.jpg",
        "A B",
        "train",
        6,
        "left out: 3 pictures",
    ),
}
"""Layouts that another reading would fit too, or that are refused."""


@pytest.mark.parametrize("name", ODD)
def test_odd_layouts(name, tmp_path):
    pattern, classes, splits, count, words = ODD[name]
    root = pictures(tmp_path / "x", pattern)
    if classes is None:
        with pytest.raises(DataError) as caught:
            tellapart.open(root)
        assert words in str(caught.value)
        return
    collection = tellapart.open(root)
    assert collection.class_names == tuple(sorted(classes.split()))
    assert list(collection.given_splits) == SPLITS.get(splits, splits.split())
    assert len(collection) == count
    assert len(set(collection.keys)) == count
    assert any(words in line for line in (*collection.inferred, *collection.notes)), (
        collection.inferred,
        collection.notes,
    )


@pytest.mark.parametrize(
    ("pattern", "copy", "into"),
    (
        ("cell_images/{P,U}/x.png", "cell_images", "cell_images/cell_images"),
        ("flowers/{daisy,rose,tulip}/x.jpg", "flowers", "flowers/flowers"),
        ("chest_xray/{train,test}/{N,P}/x.jpg", "chest_xray", "chest_xray/chest_xray"),
        ("{airplane,car,cat}/x.jpg", ".", "natural_images"),
        ("natural_images/{airplane,car,cat}/x.jpg", "natural_images", "data/natural_images"),
        ("train/{a,b}/x.jpg", "train/a", "train/train/a"),
    ),
)
def test_copies_are_not_counted_twice(pattern, copy, into, tmp_path):
    once = tellapart.open(pictures(tmp_path / "once", pattern))
    root = pictures(tmp_path / "x", pattern)
    shutil.copytree(root / copy, tmp_path / "copy")
    (root / into).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(tmp_path / "copy", root / into)
    collection = tellapart.open(root)
    assert (len(collection), collection.class_names) == (len(once), once.class_names)
    assert collection.given_splits == once.given_splits
    assert len(set(collection.keys)) == len(collection)
    assert any(line.startswith("repeated: ") for line in collection.inferred)
    assert collection.notes == ()


def test_a_copy_with_more_pictures(tmp_path):
    root = pictures(tmp_path / "x", "cells/{P,U}/x.png")
    shutil.copytree(root / "cells", tmp_path / "copy")
    shutil.move(tmp_path / "copy", root / "cells" / "cells")
    pictures(root, "cells/cells/P/y.png", count=2)
    collection = tellapart.open(root)
    assert collection.class_counts().tolist() == [5, 3]
    assert collection.inferred[-1].endswith(
        "6 pictures with the same name and size counted once; its 2 other pictures were added"
    )


def test_folds_can_be_groups(tmp_path):
    collection = tellapart.open(pictures(tmp_path / "x", "fold_{0,1,2}/{all,hem}/x.png"))
    assert collection.columns["fold"][:6] == ["fold_0"] * 6
    assert len(set(grouped(collection, "fold").groups)) == 3


def test_tables_that_are_not_used_are_named(tmp_path):
    root = pictures(tmp_path / "x", "{cat,dog}/x.png")
    (root / "about.csv").write_text("patient,age\n1,2\n")
    assert "not used: about.csv" in tellapart.open(root).inferred


def test_a_folder_that_is_named_like_a_portion_of_the_path(tmp_path):
    root = pictures(tmp_path / "train", "{cat,dog}/x.png")
    assert tellapart.open(root).class_names == ("cat", "dog")


def test_very_deep_folders_in_an_archive(tmp_path):
    """The paths of their parents would take gigabytes."""
    with zipfile.ZipFile(tmp_path / "deep.zip", "w") as archive:
        for i in range(60):
            archive.writestr(f"{'cat' if i % 2 else 'dog'}/{i}/" + "a/" * 20_000 + "1.png", b"")
    tracemalloc.start()
    assert tellapart.open(tmp_path / "deep.zip").class_names == ("cat", "dog")
    assert tracemalloc.get_traced_memory()[1] < 2**27
    tracemalloc.stop()

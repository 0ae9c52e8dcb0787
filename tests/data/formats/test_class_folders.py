import shutil

import numpy as np
import pytest
from PIL import Image

import tellapart
from tellapart.errors import DataError
from tests.conftest import write_folder


def grey(path, value=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (4, 4), value).save(path)


@pytest.mark.parametrize(
    "layout",
    (
        "{split}/{name}/1.png",
        "data/{split}/{name}/1.png",
        "a/b/{split}/{name}/1.png",
        "{split}/{split}/{name}/1.png",
        "{split}/{name}/deeper/still/1.png",
    ),
)
@pytest.mark.parametrize(
    "splits", (("train", "val", "test"), ("training_set", "valid", "test_set"), ("Train", "VAL", "Test"))
)
def test_layouts_with_splits(layout, splits, tmp_path):
    for split in splits:
        for name in ("cat", "dog"):
            grey(tmp_path / "x" / layout.format(split=split, name=name))
    collection = tellapart.open(tmp_path / "x")
    assert collection.class_names == ("cat", "dog")
    assert [len(collection.indices(split)) for split in ("train", "validation", "test")] == [2, 2, 2]


def test_a_wrapping_folder_next_to_other_files(tmp_path):
    write_folder(tmp_path / "x" / "flowers")
    (tmp_path / "x" / "flowers" / "README").write_text("about")
    (tmp_path / "x" / "notes.txt").write_text("about")
    grey(tmp_path / "x" / "x-pictures.png")
    collection = tellapart.open(tmp_path / "x")
    assert collection.class_names == ("across", "down", "squares")
    assert len(collection) == 36
    assert "left out: 1 picture outside class folders (x-pictures.png" in collection.notes[0]


def test_runs_inside_the_data_are_not_a_class(tmp_path):
    folder = write_folder(tmp_path / "x")
    (folder / "runs" / "x-quick-001").mkdir(parents=True)
    (folder / "runs" / "x-quick-001" / "run.json").write_text('{"options": {}, "status": "done"}')
    grey(folder / "runs" / "x-quick-001" / "curves.png")
    assert tellapart.open(folder).class_names == ("across", "down", "squares")


def test_files_without_extension_are_recognised_by_their_content(tmp_path):
    folder = write_folder(tmp_path / "x")
    shutil.move(folder / "down" / "001.png", folder / "down" / "001")
    (folder / "down" / "LICENSE").write_text("free")
    collection = tellapart.open(folder)
    assert len(collection) == 36
    assert collection.keys.index("down/001") >= 0


def test_class_order_is_the_plain_sort_of_names(tmp_path):
    for name in ("b", "a10", "a9", "C", "é"):
        grey(tmp_path / "x" / name / "1.png")
    assert tellapart.open(tmp_path / "x").class_names == ("C", "a10", "a9", "b", "é")


def test_given_class_names_fix_the_order(tmp_path):
    folder = write_folder(tmp_path / "x")
    collection = tellapart.open(folder, ["squares", "down", "across"])
    assert collection.class_counts().tolist() == [12, 12, 12]
    assert collection.label(0) == collection.keys[0].split("/")[0]
    with pytest.raises(tellapart.TellapartError, match="the folder 'down' is not one of the class names"):
        tellapart.open(folder, ["squares", "across"])


def test_a_table_next_to_class_folders_does_not_hide_them(tmp_path):
    folder = write_folder(tmp_path / "x")
    (folder / "metadata.csv").write_text("patient,age\n1,2\n")
    (folder / "Train.csv").write_text("Path,Width\na.png,3\n")
    assert tellapart.open(folder).class_names == ("across", "down", "squares")


def test_pictures_outside_the_split_folders(tmp_path):
    write_folder(tmp_path / "x" / "test", 6)
    write_folder(tmp_path / "x", 12)
    collection = tellapart.open(tmp_path / "x")
    assert np.unique(collection.splits, return_counts=True)[1].tolist() == [6, 12]
    assert collection.notes[0] == "used for training: 12 pictures in class folders outside the split folders"


def test_a_file_named_run_json_does_not_hide_a_class(tmp_path):
    folder = write_folder(tmp_path / "x")
    (folder / "down" / "run.json").write_text('{"distance": 5}')
    assert tellapart.open(folder).class_names == ("across", "down", "squares")


def test_a_checkpoint_of_a_run_in_the_data_is_not_the_data(tmp_path):
    folder = write_folder(tmp_path / "x")
    (folder / "runs" / "x" / "checkpoints").mkdir(parents=True)
    (folder / "runs" / "x" / "run.json").write_text('{"options": {}, "status": "running"}')
    np.savez(folder / "runs" / "x" / "checkpoints" / "arrays.npz", w=np.zeros(3))
    assert tellapart.open(folder).class_names == ("across", "down", "squares")


@pytest.mark.parametrize("name", ("features.npz", "down/train.bin", "labels.txt"))
def test_stray_files_do_not_take_over_class_folders(name, tmp_path):
    folder = write_folder(tmp_path / "x")
    (folder / name).write_text("a\nb\n")
    grey(folder / "test.png")
    collection = tellapart.open(folder)
    assert collection.class_names == ("across", "down", "squares")
    assert "left out: 1 picture outside class folders (test.png)" in collection.notes


def test_unlabelled_test_pictures_are_not_a_class(tmp_path):
    for name in ("train/cat/1.png", "train/dog/2.png", "test/3.png", "test/4.png"):
        grey(tmp_path / name)
    collection = tellapart.open(tmp_path)
    assert collection.class_names == ("cat", "dog")
    assert "left out: 2 pictures outside class folders (test/3.png, ...)" in collection.notes


def test_labels_in_file_names_are_not_class_folders(tmp_path):
    for name in ("train/cat.0.png", "train/dog.0.png", "test/1.png"):
        grey(tmp_path / name)
    with pytest.raises(DataError, match=r"3 pictures outside class folders .*, and none in one"):
        tellapart.open(tmp_path)


def test_a_class_may_be_called_train(tmp_path):
    for name in ("train/1.png", "plane/2.png"):
        grey(tmp_path / name)
    assert tellapart.open(tmp_path).class_names == ("plane", "train")


def test_a_cover_in_the_wrapping_folder_is_not_a_class(tmp_path):
    for name in ("flowers/rose/1.png", "flowers/tulip/2.png", "flowers/tulip/3.png", "flowers/cover.png"):
        grey(tmp_path / name)
    collection = tellapart.open(tmp_path)
    assert collection.class_names == ("rose", "tulip")
    assert "left out: 1 picture outside class folders (flowers/cover.png)" in collection.notes


def test_files_without_a_pictures_extension_are_reported(tmp_path):
    folder = write_folder(tmp_path / "x")
    grey(folder / "down" / "a.png")
    (folder / "down" / "a.png").rename(folder / "down" / "a.jpg_large")
    (folder / "down" / "notes.txt").write_text("x")
    assert "ignored: 1 file in picture folders without a picture's extension (down/a.jpg_large)" in (
        tellapart.open(folder).notes
    )


def test_a_doubled_archive_folder_is_not_a_class(tmp_path):
    for name in ("train/cat/1", "train/dog/2", "test/test/3", "test/test/4"):
        grey(tmp_path / "x" / f"{name}.png")
    collection = tellapart.open(tmp_path / "x")
    assert collection.class_names == ("cat", "dog")
    assert "left out: 2 pictures outside class folders (test/test/3.png, ...)" in collection.notes


def test_a_class_may_have_the_name_of_a_split(tmp_path):
    for name in ("train/train/1", "train/bus/2", "test/train/3", "test/bus/4"):
        grey(tmp_path / "x" / f"{name}.png")
    collection = tellapart.open(tmp_path / "x")
    assert collection.class_names == ("bus", "train")
    assert [len(collection.indices(split)) for split in ("train", "test")] == [2, 2]


def test_splits_within_class_folders(tmp_path):
    for name in ("cat/train/1", "cat/test/2", "dog/train/3", "dog/test/4"):
        grey(tmp_path / "x" / f"{name}.png")
    collection = tellapart.open(tmp_path / "x")
    assert collection.class_names == ("cat", "dog")
    assert [list(collection.indices(split)) for split in ("train", "test")] == [[1, 3], [0, 2]]
    grey(tmp_path / "x" / "cover.png")
    grey(tmp_path / "x" / "dog" / "extra" / "5.png")
    grey(tmp_path / "x" / "cat" / "6.png")
    collection = tellapart.open(tmp_path / "x")
    assert [len(collection.indices(split)) for split in ("train", "test")] == [4, 2]
    assert collection.notes == (
        "left out: 1 picture outside class folders (cover.png)",
        "used for training: 2 pictures in class folders outside the split folders",
    )


def test_files_without_any_extension(tmp_path):
    folder = write_folder(tmp_path / "x", 12)
    for file in folder.rglob("*.png"):
        file.rename(file.with_suffix(""))
    (folder / "down" / "LICENSE").write_text("free")
    collection = tellapart.open(folder)
    assert (len(collection), len(collection.class_names)) == (12, 3)

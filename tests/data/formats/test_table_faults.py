"""Tables that are ambiguous, damaged or not of single labels: refused by name; and what a user can say about them."""

import json

import polars as pl
import pytest

import tellapart
from tellapart.errors import DataError, UsageError
from tests.listed_pictures import PNG, listed, pictures

CHEST = ["No Finding", "Mass", "Effusion", "Effusion|Mass", "No Finding", "Effusion|Infiltration|Mass"]
LEAVES = ["healthy", "scab", "rust", "complex", "scab", "rust complex", "rust", "complex", "scab rust"]  # Kaggle 2021
MOVIES = ["Drama;Comedy", "Comedy;Drama", "Drama;Action"]
QUOTED = ['"cat, dog"', "cat", "dog", "cat", "dog"]
SLASHES = ["cat/dog", "cat", "dog", "emu"]
AMAZON = ["haze primary", "agriculture clear primary water", "clear primary", "cloudy"]  # no tag is there alone
REORDERED = ['"beach, sea"', '"sun, sea, beach"', "sky", "sky"]
ART = ["51 616 734", "52 616 734", "53 617 734"]  # numbers of attributes


@pytest.mark.parametrize(
    ("labels", "row", "shown"),
    (
        (CHEST, 4, r"Effusion\|Mass"),
        (LEAVES, 6, "rust complex"),
        (MOVIES, 1, "Drama;Comedy"),
        (QUOTED, 1, "cat, dog"),
        (SLASHES, 1, "cat/dog"),
        (AMAZON, 1, "haze primary"),
        (REORDERED, 1, "beach, sea"),
        (ART, 1, "51 616 734"),
    ),
)
def test_several_labels_in_a_cell(labels, row, shown, tmp_path):
    with pytest.raises(DataError, match=rf"row {row}: has several labels \('{shown}'\)") as caught:
        tellapart.open(listed(tmp_path, labels))
    assert "--label COLUMN" in caught.value.action


NAMES = (
    ["Felis|catus", "Canis|lupus", "Canis|latrans"],  # each name has it
    ["traffic light", "traffic sign", "car", "light"],  # one part is a class, not both
    ["New York, NY", "Boston, MA", "Boston, MA"],
    ["salt & pepper", "salt", "cat+dog", "cat+emu"],
    ["a b", "b c", "c d"],
    ["Corn/healthy", "Corn/rust", "Apple/healthy"],
    ["black bear", "American black bear", "bear"],
    ["apple leaf", "apple rust leaf", "tomato leaf", "tomato early blight leaf"],  # PlantDoc
    ["great white shark, white shark", "tench, Tinca tinca", "crane, bird", "crane"],
    ["1/2", "1/4", "3/4"],
    ["Audi S4 Sedan 2012", "Audi S4 Sedan 2007", "BMW 3 Series Sedan 2012", "BMW 3 Series Wagon 2012"],
)


@pytest.mark.parametrize("labels", NAMES)
def test_class_names_with_separators_are_names(labels, tmp_path):
    collection = tellapart.open(listed(tmp_path, [f'"{label}"' for label in labels]))
    assert set(collection.class_names) == set(labels)


def test_combinations_that_are_listed_as_classes_are_classes(tmp_path):
    names = sorted(set(CHEST))
    assert tellapart.open(listed(tmp_path, CHEST), names).class_names == tuple(names)


def test_several_ones_in_a_row(tmp_path):
    pictures(tmp_path, *(f"{i}.jpg" for i in range(6)))
    rows = "".join(f"{i}.jpg,{int(i % 3 == 0)},{int(i % 3 == 1)},{int(i % 3 == 2)}\n" for i in range(5))
    (tmp_path / "t.csv").write_text(f"image,cat,dog,emu\n{rows}5.jpg,0,1,1\n")
    with pytest.raises(DataError, match=r"row 6: has several labels \(dog, emu\)"):
        tellapart.open(tmp_path)
    (tmp_path / "t.csv").write_text(f"image,cat,dog,emu\n{rows}5.jpg,0,0,0\n")
    with pytest.raises(DataError, match="row 6: has no label"):
        tellapart.open(tmp_path)


def test_lists_of_several_labels(tmp_path):
    pictures(tmp_path, *(f"{i}.jpg" for i in range(4)))
    rows = [{"file_name": f"{i}.jpg", "label": ["a"] if i < 3 else ["a", "b"]} for i in range(4)]
    (tmp_path / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)))
    with pytest.raises(DataError, match=r"metadata.jsonl, row 4: has several labels \(a, b\)"):
        tellapart.open(tmp_path)
    (tmp_path / "metadata.jsonl").unlink()
    pl.DataFrame({"image": [PNG] * 4, "label": [[0], [1], [0, 1], [1]]}).write_parquet(tmp_path / "x.parquet")
    with pytest.raises(DataError, match=r"x.parquet, row 3: has several labels \(0, 1\)"):
        tellapart.open(tmp_path / "x.parquet")
    pl.DataFrame({"image": [PNG] * 4, "label": [[0], [1], [0], [1]]}).write_parquet(tmp_path / "x.parquet")
    assert tellapart.open(tmp_path / "x.parquet").class_names == ("0", "1")


def test_two_columns_that_may_be_the_labels(tmp_path):
    pictures(tmp_path, *(f"{i}.jpg" for i in range(8)))
    rows = "".join(f"{i}.jpg,g{i % 2},s{i % 4}\n" for i in range(8))
    (tmp_path / "t.csv").write_text(f"file_name,genus,species\n{rows}")
    with pytest.raises(DataError, match="columns 'genus' and 'species' may be the labels") as caught:
        tellapart.open(tmp_path)
    assert caught.value.action == "choose one: --label genus or --label species"
    assert tellapart.open(tmp_path, label="genus").class_names == ("g0", "g1")


def test_columns_that_the_user_names(tmp_path):
    pictures(tmp_path, *(f"{kind}/{i}.jpg" for kind in ("raw", "cropped") for i in range(6)))
    rows = "".join(f"{i}:x{i % 2}:y{i % 3}:{['Training', 'PublicTest'][i % 2]}\n" for i in range(6))
    (tmp_path / "t.csv").write_text(f"key:first:second:when\n{rows}")
    collection = tellapart.open(
        tmp_path / "t.csv", label="second", image_column="key", images="cropped", split_column="when", delimiter=":"
    )
    assert collection.class_names == ("y0", "y1", "y2")
    assert collection.splits.tolist() == ["train", "validation"] * 3
    assert collection.keys[0] == "cropped/0.jpg"
    for option, value in (("label", "secnd"), ("image_column", "keyy"), ("split_column", "whe")):
        with pytest.raises(UsageError, match=f"--{option.replace('_', '-')} {value}: is not a column") as caught:
            tellapart.open(tmp_path / "t.csv", delimiter=":", **{option: value})
        assert "key, first, second, when" in caught.value.expected
        assert caught.value.action.startswith("did you mean")
    with pytest.raises(UsageError, match=r"--images nowhere: is not a folder"):
        tellapart.open(tmp_path / "t.csv", images="nowhere", delimiter=":")


def test_a_name_that_two_files_have(tmp_path):
    pictures(tmp_path, *(f"{kind}/{i}.jpg" for kind in ("raw", "cropped") for i in range(4)))
    (tmp_path / "t.csv").write_text("file_name,label\n" + "".join(f"{i}.jpg,{'ab'[i % 2]}\n" for i in range(4)))
    with pytest.raises(DataError, match=r"row 1: '0\.jpg' may be cropped/0.jpg or raw/0.jpg") as caught:
        tellapart.open(tmp_path / "t.csv")
    assert caught.value.action == "give the folder of the pictures: --images cropped or --images raw"
    assert tellapart.open(tmp_path / "t.csv", images="raw").keys[1] == "raw/1.jpg"


def test_a_path_whose_folder_is_there_without_the_file_is_missing(tmp_path):
    """The file of the same name in another class is another picture."""
    pictures(tmp_path, "cat/1.jpg", "cat/2.jpg", "dog/2.jpg", "dog/3.jpg")
    rows = "C:\\data\\cat\\1.jpg,cat\nC:\\data\\cat\\3.jpg,cat\nC:\\data\\dog\\2.jpg,dog\nC:\\data\\cat\\2.jpg,cat\n"
    (tmp_path / "t.csv").write_text(f"file_name,label\n{rows}")
    keys = tellapart.open(tmp_path / "t.csv").keys
    assert (keys[0], keys[2], keys[3]) == ("cat/1.jpg", "dog/2.jpg", "cat/2.jpg")
    assert not (tmp_path / keys[1]).exists()


def test_rows_that_list_a_file_again(tmp_path):
    table = listed(tmp_path, "abab")
    table.write_text(table.read_text() + "2.jpg,a\n")
    collection = tellapart.open(table)
    assert len(collection) == 4
    assert collection.notes[0].startswith("left out: 1 row that list a file again with the same label")
    table.write_text(table.read_text() + "2.jpg,b\n")
    with pytest.raises(DataError, match=r"row 6: lists 2.jpg a second time, with the label 'b' \(.*row 3 has 'a'\)"):
        tellapart.open(table)


def test_a_small_table_in_class_folders_reports_what_it_does_not_list(tmp_path):
    pictures(tmp_path, *(f"{kind}/{i}.jpg" for kind in ("cat", "dog") for i in range(10)))
    (tmp_path / "corrections.csv").write_text("file_name,label\ncat/0.jpg,dog\ncat/1.jpg,cat\n")
    assert tellapart.open(tmp_path).notes == (
        "corrections.csv lists 2 pictures of 20; 18 in the same folders are not used (cat/2.jpg, ...)",
    )


def test_names_that_are_absolute_or_have_dots_are_listed(tmp_path):
    names = [f"{kind}/{i}.jpg" for kind in ("cat", "dog") for i in range(4)]
    pictures(tmp_path, *names)
    written = [f"{tmp_path}/{name}" if i % 2 else f"./{name}" for i, name in enumerate(names)]
    (tmp_path / "t.csv").write_text("path,label\n" + "".join(f"{name},{'ab'['dog' in name]}\n" for name in written))
    collection = tellapart.open(tmp_path)
    assert (len(collection), collection.notes) == (8, ())
    assert collection.keys[:2] == ["cat/0.jpg", f"{tmp_path}/cat/1.jpg"]


def test_a_table_of_few_existing_files_does_not_displace_class_folders(tmp_path):
    pictures(tmp_path, *(f"{kind}/{kind}{i}.jpg" for kind in ("cat", "dog") for i in range(10)))
    rows = "".join(f"other{i}.jpg,x\n" for i in range(9))
    (tmp_path / "old.csv").write_text(f"file_name,label\ncat0.jpg,y\n{rows}")
    assert tellapart.open(tmp_path).class_names == ("cat", "dog")


def test_missing_files_are_noted_with_what_was_tried(tmp_path):
    (tmp_path / "t.csv").write_text("file_name,label\na.jpg,x\nb.jpg,y\n")
    (note,) = tellapart.open(tmp_path / "t.csv").notes
    assert "most files in the column file_name of t.csv do not exist (a.jpg, ...)" in note
    assert "--images gives their folder" in note


def test_boxes_in_pictures_are_refused(tmp_path):
    pictures(tmp_path, "images/1.jpg", "images/2.jpg")
    coco = {"images": [{"id": 1, "file_name": "1.jpg"}], "annotations": [], "categories": []}
    (tmp_path / "instances.json").write_text(json.dumps(coco))
    for source in (tmp_path, tmp_path / "instances.json"):
        with pytest.raises(DataError, match="is a COCO file, which labels objects in pictures"):
            tellapart.open(source)


def test_numbers_of_splits_are_refused(tmp_path):
    table = listed(tmp_path, [f"{'ab'[i % 2]},{i % 3}" for i in range(6)], "file_name,label,split")
    with pytest.raises(DataError, match="'0' in the column 'split' is not a valid split: numbers do not show which"):
        tellapart.open(table)
    table = listed(tmp_path, [f"{'ab'[i % 2]},{i % 3}" for i in range(6)], "file_name,label,fold")
    assert tellapart.open(table).splits is None


@pytest.mark.parametrize(
    ("text", "encoding"),
    (
        ("file_name;label\n0.jpg;a\n1.jpg;b\n", "utf-8"),
        ("file_name|label\n0.jpg|a\n1.jpg|b\n", "utf-8"),
        ("file_name\tlabel\r0.jpg\ta\r1.jpg\tb\r", "utf-16"),
        ("file_name,label\n0.jpg,a\n1.jpg,b\n", "utf-16-le"),
        ("file_name,label\n0.jpg,a\n1.jpg,b\n", "utf-16-be"),
        ("0.jpg,a\n1.jpg,b\n", "utf-8"),
        ("0,a\n1,b\n", "utf-8"),
        ("sep=;\r\nfile_name;label\r\n0.jpg;a\r\n1.jpg;b\r\n", "utf-8-sig"),
        ("file_name,label,\n0.jpg,a,\n1.jpg,b,\n", "utf-8"),
        ('file_name, label\n0.jpg, "a"\n1.jpg, "b"\n', "utf-8"),
        (",file_name,label\n0,0.jpg,a\n1,1.jpg,b\n", "utf-8"),
        ("Unnamed: 0;file_name;label\n5;0.jpg;a\n6;1.jpg;b\n", "utf-8-sig"),
    ),
)
def test_dialects(text, encoding, tmp_path):
    pictures(tmp_path, "0.jpg", "1.jpg")
    (tmp_path / "t.csv").write_bytes(text.encode(encoding))
    collection = tellapart.open(tmp_path / "t.csv")
    assert (collection.class_names, list(collection.keys)) == (("a", "b"), ["0.jpg", "1.jpg"])


@pytest.mark.parametrize(
    ("text", "words"),
    (
        ("file_name;label\n0.jpg;a\n1.jpg\n", "line 3: has 1 values"),
        ("0.jpg;a\n1.jpg;b;c\n", "line 2: has 3 values"),
        ('{"file_name": "0.jpg", "label": "a"}\n{"file_name"\n', "line 2: is not valid JSON"),
        ('{"file_name": "0.jpg", "label": "a"}\n[1]\n', "line 2: is not valid JSON .it is not an object"),
    ),
)
def test_faulty_lines(text, words, tmp_path):
    pictures(tmp_path, "0.jpg", "1.jpg")
    name = "t.jsonl" if text.startswith("{") else "t.csv"
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=words):
        tellapart.open(tmp_path / name, delimiter=";" if name == "t.csv" else None)


def test_a_large_table_is_read_by_either_way_alike(tmp_path, monkeypatch):
    from tellapart.data.formats import _text_table

    table = listed(tmp_path, ["a,", "b,x", "a,y"] * 5, "file_name,label,other")
    slow = tellapart.open(table)
    monkeypatch.setattr(_text_table, "LARGE", 1)
    fast = tellapart.open(table)
    assert (list(fast.keys), fast.class_names) == (list(slow.keys), slow.class_names)
    assert fast.columns["other"] == slow.columns["other"]
    table.write_text(table.read_text() + "x.jpg,a\n")
    with pytest.raises(DataError, match="line 17: has 2 values"):
        tellapart.open(table)


def test_a_folder_that_an_archive_has_twice_is_read_once(tmp_path):
    """As HAM10000_images_part_1 and ham10000_images_part_1 of Kaggle's archive."""
    for folder in ("part_1", "copy/part_1"):
        for i in range(4):
            pictures(tmp_path, f"{folder}/ISIC_{i}.jpg")
            (tmp_path / folder / f"ISIC_{i}.jpg").write_bytes(PNG + bytes([i]))
    (tmp_path / "t.csv").write_text("image_id,dx\n" + "".join(f"ISIC_{i},{'ab'[i % 2]}\n" for i in range(4)))
    assert list(tellapart.open(tmp_path).keys) == [f"copy/part_1/ISIC_{i}.jpg" for i in range(4)]


def test_answers_of_a_model_do_not_displace_class_folders(tmp_path):
    pictures(tmp_path, *(f"{kind}/{kind}{i}.jpg" for kind in ("cat", "dog") for i in range(4)))
    rows = "".join(f"{kind}/{kind}{i}.jpg,cat,0.9\n" for kind in ("cat", "dog") for i in range(4))
    (tmp_path / "predictions.csv").write_text(f"source,label,probability\n{rows}")
    assert tellapart.open(tmp_path).class_names == ("cat", "dog")


@pytest.mark.parametrize("content", ({"0.jpg": "a", "1.jpg": "b"}, {"a": ["0.jpg"], "b": ["1.jpg"]}))
def test_json_objects_of_files(content, tmp_path):
    pictures(tmp_path, "0.jpg", "1.jpg")
    (tmp_path / "labels.json").write_text(json.dumps(content))
    assert tellapart.open(tmp_path).class_names == ("a", "b")


def test_a_column_of_folds_is_neither_split_nor_label(tmp_path):
    pictures(tmp_path, *(f"{i}.jpg" for i in range(8)))
    rows = "".join(f"{i}.jpg,{i % 2},{'ab'[i % 2]}\n" for i in range(8))
    (tmp_path / "t.csv").write_text(f"file,partition,animal\n{rows}")
    collection = tellapart.open(tmp_path)
    assert (collection.class_names, collection.splits) == (("a", "b"), None)
    assert "not used: the column partition, whose values are not the names of splits" in collection.inferred


def test_a_table_of_class_numbers_is_not_of_files(tmp_path):
    pictures(tmp_path, *(f"{kind}/{i}.jpg" for kind in ("cat", "dog") for i in range(6)))
    (tmp_path / "labels.csv").write_text("id,name\n0,cat\n1,dog\n")
    assert len(tellapart.open(tmp_path)) == 12
    pictures(tmp_path, *(f"cat/x{i}.jpg" for i in range(6)))
    (tmp_path / "labels.csv").write_text("id,name\n4,cat\n5,dog\n")
    assert len(tellapart.open(tmp_path)) == 18


def test_pictures_named_by_numbers(tmp_path):
    """As CIFAR-10 on Kaggle: trainLabels.csv (id,label), train/1.png, test/1.png."""
    pictures(tmp_path, *(f"{split}/{i}.png" for split in ("train", "test") for i in range(1, 13)))
    rows = "".join(f"{i},{['frog', 'truck'][i % 2]}\n" for i in range(1, 13))
    (tmp_path / "trainLabels.csv").write_text(f"id,label\n{rows}")
    collection = tellapart.open(tmp_path)
    assert (collection.class_names, collection.keys[0]) == (("frog", "truck"), "train/1.png")


def test_pieces_of_one_table_are_joined(tmp_path):
    pictures(tmp_path, *(f"images/{i}.jpg" for i in range(8)))
    for n in range(2):
        names = [f"images/{i}.jpg" for i in range(4 * n, 4 * n + 4)]
        frame = pl.DataFrame({"file_name": names, "label": ["a", "b"] * 2})
        frame.write_parquet(tmp_path / f"train-0000{n}-of-00002.parquet")
    collection = tellapart.open(tmp_path)
    assert (len(collection), collection.splits, collection.notes) == (8, None, ())


def test_a_table_without_rows(tmp_path):
    (tmp_path / "t.csv").write_text("file_name,label\n")
    with pytest.raises(DataError, match="has a header and no rows"):
        tellapart.open(tmp_path / "t.csv")


def test_one_hot_columns_of_true_and_false(tmp_path):
    """As pandas.get_dummies writes them."""
    pictures(tmp_path, *(f"{i}.jpg" for i in range(6)))
    rows = "".join(f"{i}.jpg,{i % 2 == 0},{i % 2 == 1}\n" for i in range(6))
    (tmp_path / "t.csv").write_text(f"image,cat,dog\n{rows}")
    assert tellapart.open(tmp_path).class_names == ("cat", "dog")


def test_labels_with_accents_of_both_forms_are_one_class(tmp_path):
    assert len(tellapart.open(listed(tmp_path, ["caf\u00e9", "cafe\u0301", "naan", "naan"])).class_names) == 2

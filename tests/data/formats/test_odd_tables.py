"""Tables as programs leave them: flags, answers, measures, JSON of other shapes, annotations beside pictures."""

import json
import re

import pytest

import tellapart
from tellapart.errors import DataError
from tests.listed_pictures import listed, pictures


def test_flags_that_do_not_divide_the_rows_are_not_splits(tmp_path):
    """All files are valid, or some values are neither true nor false."""
    for flags in (["True"] * 4, ["True", "False", "maybe", "maybe"]):
        labels = [f"{'ab'[i % 2]},{flag}" for i, flag in enumerate(flags)]
        collection = tellapart.open(listed(tmp_path, labels, "file_name,label,is_valid"))
        assert collection.given_splits == ()
        assert "not used: the column is_valid, whose values are not both true and false" in collection.inferred


def test_a_submission_file_has_no_labels(tmp_path):
    path = listed(tmp_path, ["0", "0"], name="sample_submission.csv")
    with pytest.raises(DataError, match=r"sample_submission\.csv: its name is that of a submission") as caught:
        tellapart.open(tmp_path)
    assert "the path of the table itself" in caught.value.action
    assert tellapart.open(path).class_names == ("0",)


@pytest.mark.parametrize(
    "text",
    (
        "file_name,label\n0.jpg,a\n1.jpg,b\n,\n,\n",  # a spreadsheet's empty rows
        ",Unnamed: 0,file_name,label\n0,0,0.jpg,a\n1,1,1.jpg,b\n",  # saved twice with an index
        "url,label\nhttps://a.org/x/0.jpg?raw=1,a\nhttps://a.org/x/1.jpg?raw=1,b\n",
    ),
)
def test_what_programs_add_to_tables(text, tmp_path):
    pictures(tmp_path, "0.jpg", "1.jpg")
    (tmp_path / "t.csv").write_text(text)
    collection = tellapart.open(tmp_path)
    assert (list(collection.keys), collection.notes) == (["0.jpg", "1.jpg"], ())


def test_labels_that_differ_from_the_folders_are_noted(tmp_path):
    names = [f"{kind}/{i}.jpg" for kind in ("cat", "dog") for i in range(4)]
    pictures(tmp_path, *names)
    (tmp_path / "t.csv").write_text("file_name,label\n" + "".join(f"{name},{name[:3]}\n" for name in names[:-1]))
    with (tmp_path / "t.csv").open("a") as file:
        file.write(f"{names[-1]},cat\n")
    note = "t.csv: 1 picture has a label other than its folder (dog/3.jpg: cat); the label is used"
    assert tellapart.open(tmp_path).notes == (note,)


def test_measures_are_not_classes(tmp_path):
    with pytest.raises(DataError, match=r"the column 'label' has measures \(20\.0, 20\.5, 21\.0, \.\.\.\)"):
        tellapart.open(listed(tmp_path, [20 + i / 2 for i in range(30)]))
    assert len(tellapart.open(listed(tmp_path, [i % 4 / 2 for i in range(30)])).class_names) == 4  # grades


def test_two_numbered_columns_of_labels(tmp_path):
    labels = [f"{'abc'[i % 3]},{'abc'[(i + 1) % 3] if i % 2 else ''}" for i in range(9)]
    with pytest.raises(DataError, match="the columns 'tag1' and 'tag2' may be the labels"):
        tellapart.open(listed(tmp_path, labels, "file_name,tag1,tag2"))


FRAME = {"file": {str(i): f"{i}.jpg" for i in range(4)}, "label": {str(i): "ab"[i % 2] for i in range(4)}}


@pytest.mark.parametrize(
    "content",
    (
        FRAME,  # pandas' columns
        {f"{i}.jpg": {"label": "ab"[i % 2], "width": 8} for i in range(4)},
        {"labels": [[f"{i}.jpg", "ab"[i % 2]] for i in range(4)]},
        {
            split: [[f"{i}.jpg", i % 2, "ab"[i % 2]] for i in rows]
            for split, rows in (("train", (0, 1)), ("test", (2, 3)))
        },
    ),
)
def test_json_of_other_shapes(content, tmp_path):
    pictures(tmp_path, *(f"{i}.jpg" for i in range(4)))
    (tmp_path / "labels.json").write_text(json.dumps(content))
    collection = tellapart.open(tmp_path)
    assert [collection.label(i) for i in range(4)] == ["a", "b", "a", "b"]
    assert collection.given_splits == (("train", "test") if "train" in content else ())


@pytest.mark.parametrize(
    ("name", "words"),
    (
        ("0.json", r"2 pictures have a \.json file of the same name \(0\.json\), which is not read"),
        ("Annotations/0.xml", r"2 pictures have a \.xml file of the same name \(Annotations/0\.xml\)"),
    ),
)
def test_files_beside_pictures_are_named(name, words, tmp_path):
    pictures(tmp_path, "0.jpg", "1.jpg")
    for number in "01":
        path = tmp_path / name.replace("0", number)
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"shapes": []}')
    with pytest.raises(DataError, match=words):
        tellapart.open(tmp_path)


@pytest.mark.parametrize(
    ("name", "advice"),
    (("t.csv", r"say how to read a table \(t.csv\)"), ("t.xlsx", "if t.xlsx has the labels, save them as such a CSV")),
)
def test_tables_that_are_not_read_are_named(name, advice, tmp_path):
    pictures(tmp_path, "0.jpg", "1.jpg")
    (tmp_path / name).write_text("a^b\n0.jpg^x\n")
    with pytest.raises(DataError) as caught:
        tellapart.open(tmp_path)
    assert re.search(advice, caught.value.action)


def test_class_names_of_several_words_in_a_list(tmp_path):
    """FGVC Aircraft: names of files without extension, which are numbers."""
    pictures(tmp_path, *(f"images/{i:07d}.jpg" for i in range(8)))
    kinds = ["Boeing 707", "DC-10"]
    lines = "".join(f"{i:07d} {kinds[i % 2]}\n" for i in range(8))
    (tmp_path / "images_family_trainval.txt").write_text(lines)
    assert list(tellapart.open(tmp_path).class_names) == kinds


def test_a_table_with_a_column_called_label_is_preferred(tmp_path):
    listed(tmp_path, ["a", "b", "a", "b"], name="labels.csv")
    listed(tmp_path, [8, 9, 9, 8], "file_name,width", "metadata.csv")
    collection = tellapart.open(tmp_path)
    assert collection.class_names == ("a", "b")
    assert "not used: metadata.csv" in collection.inferred


def test_one_hot_columns_of_a_spreadsheet(tmp_path):
    rows = [("TRUE,FALSE", "FALSE,TRUE")[i % 2] for i in range(4)]
    assert tellapart.open(listed(tmp_path, rows, "file_name,cat,dog")).class_names == ("cat", "dog")


def test_names_that_only_the_folders_of_the_labels_tell(tmp_path):
    names = [f"set/{kind}/{i}.jpg" for kind in ("cat", "dog") for i in range(3)]
    pictures(tmp_path, *names)
    (tmp_path / "t.csv").write_text("file,class\n" + "".join(f"{name[8:]},{name[4:7]}\n" for name in names))
    assert list(tellapart.open(tmp_path).keys) == names


def test_json_lines_of_records_inside_records(tmp_path):
    pictures(tmp_path, *(f"{i}.jpg" for i in range(4)))
    rows = [{"image": {"path": f"{i}.jpg"}, "label": {"name": "ab"[i % 2]}} for i in range(4)]
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert tellapart.open(tmp_path).class_names == ("a", "b")


def test_test_pictures_named_by_numbers_are_skipped(tmp_path):
    """Leaf Classification: pictures of both tables in one folder, and columns of measures."""
    listed(tmp_path, [f"{'ab'[i % 2]}" for i in range(12)], "id,species", "train.csv")
    pictures(tmp_path, *(f"{i}.jpg" for i in range(12, 16)))
    (tmp_path / "train.csv").write_text((tmp_path / "train.csv").read_text().replace(".jpg", ""))
    (tmp_path / "test.csv").write_text("id,margin\n" + "".join(f"{i},0.1\n" for i in range(12, 16)))
    collection = tellapart.open(tmp_path)
    assert (len(collection), collection.notes) == (12, ())
    assert "skipped: 4 pictures without labels, in tables of test pictures" in collection.inferred

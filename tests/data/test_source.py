import pytest

import tellapart
from tellapart.data.layout import Layout, separator
from tellapart.errors import UsageError
from tests.conftest import write_folder
from tests.layouts import pictures


def test_names_of_data_sets_come_before_folders_with_a_note(tmp_path, monkeypatch):
    write_folder(tmp_path / "digits")
    monkeypatch.chdir(tmp_path)
    collection = tellapart.open("digits")
    assert len(collection) == 1797
    assert collection.notes == ("digits is the data set with this name; for the file or folder here, write ./digits",)
    assert len(tellapart.open("./digits")) == 36


def test_class_names_from_a_list_or_a_file(tmp_path):
    names = [str(i) for i in range(10)]
    (tmp_path / "classes.txt").write_text("\n".join(names) + "\n\n")
    assert tellapart.open("digits", names).class_names == tuple(names)
    assert tellapart.open("digits", tmp_path / "classes.txt").class_names == tuple(names)
    (tmp_path / "classes.txt").write_text("\n")
    with pytest.raises(UsageError, match="contains no class names"):
        tellapart.open("digits", tmp_path / "classes.txt")
    with pytest.raises(UsageError, match="cannot be read"):
        tellapart.open("digits", tmp_path / "none.txt")


def test_a_collection_is_passed_on(stripes_collection):
    assert tellapart.open(stripes_collection) is stripes_collection


def test_sources_that_do_not_exist():
    with pytest.raises(UsageError, match="a source of type int"):
        tellapart.open(7)


@pytest.mark.parametrize("typed", ("tab", "TAB", r"\t", "\t", "|", "bar", " ", "space", None))
def test_delimiters_and_their_names(typed, tmp_path):
    between = separator(typed) or ","
    pictures(tmp_path, "x*.png")
    rows = [["file_name", "label"], ["x0.png", "cat"], ["x1.png", "dog"], ["x2.png", "dog"]]
    (tmp_path / "labels.csv").write_text("".join(f"{between.join(row)}\n" for row in rows))
    assert tellapart.open(tmp_path, delimiter=typed).class_names == ("cat", "dog")


@pytest.mark.parametrize("typed", ("", "||", "tabs and blanks", "\n", '"'))
def test_delimiters_that_cannot_be_used(typed, tmp_path):
    with pytest.raises(UsageError, match="is not the character between two columns"):
        tellapart.open(tmp_path, delimiter=typed)


def test_a_tab_is_shown_as_it_can_be_typed():
    assert Layout(delimiter="\t").as_options() == r"--delimiter '\t'"

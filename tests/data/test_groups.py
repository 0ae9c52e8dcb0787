from dataclasses import replace

import pytest

from tellapart.data.groups import grouped
from tellapart.errors import UsageError
from tests.conftest import make_collection

FILES = ("a/s01_1.png", "a/s01_2.png", "b/s02_1.png", "b/other.png", "b/more.png", "b/s02_9.png")


def collection(**changes):
    return replace(make_collection(6, splits=False), keys=FILES, **changes)


def test_by_what_the_bracket_matches():
    assert grouped(collection(), r"(s\d+)_").groups.tolist() == ["s01", "s01", "s02", "picture 3", "picture 4", "s02"]


def test_names_without_a_match_are_reported():
    (note,) = grouped(collection(), r"(s\d+)_").notes
    assert note == r"--group '(s\\d+)_': does not occur in the names of 2 pictures (b/other.png, ...)"


@pytest.mark.parametrize("by", (r"(s\d+)?_", r"s?(\d*)_"))
def test_a_bracket_without_a_match_makes_a_group_of_its_own(by):
    files = ("a/s01_1.png", "a/s01_2.png", "b/s02_1.png", "b/_other.png", "b/_more.png", "b/s02_9.png")
    found = grouped(replace(collection(), keys=files), by)
    assert len(set(found.groups.tolist())) == 4
    assert "does not occur in the names of 2 pictures (b/_other.png, ...)" in found.notes[0]


def test_alternatives_with_brackets_of_their_own():
    files = ("a/s01_1.png", "a/s01_2.png", "b/p7_1.png", "b/p7_2.png", "b/more.png", "b/s02_9.png")
    found = grouped(replace(collection(), keys=files), r"s(\d+)|p(\d+)")
    assert found.groups.tolist() == ["01", "01", "p7", "p7", "picture 4", "02"]


def test_by_the_whole_match_where_there_is_no_bracket():
    assert grouped(collection(), "^./s..").groups.tolist()[:3] == ["a/s01", "a/s01", "b/s02"]


def test_by_a_column():
    found = grouped(collection(columns={"camera": ["x", "y", "x", None, "", "y"]}), "camera")
    assert found.groups.tolist() == ["x", "y", "x", "row 3", "row 4", "y"]


@pytest.mark.parametrize(
    ("by", "words"),
    (
        ("(", r"is not a column and not a valid regular expression \(missing \)"),
        ("subject", r"does not occur in any file name \(a/s01_1.png"),
        (".*", "makes a group of its own for every picture"),
        ("png", "puts all pictures into one group, 'png'"),
        ("film", "puts all pictures into one group, 'x'"),
        ("picture", "makes a group of its own for every picture"),
    ),
)
def test_useless_groups_are_refused(by, words):
    with pytest.raises(UsageError, match=words):
        grouped(collection(columns={"film": ["x"] * 6, "picture": list("abcdef")}), by)


def test_the_columns_are_named_where_it_is_none():
    with pytest.raises(UsageError) as caught:
        grouped(collection(columns={"camera": ["x"] * 6}), "camera2")
    assert "the columns are camera" in caught.value.expected

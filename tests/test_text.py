import pytest

from tellapart.text import columns_of, cut, near_one, percent, percent_range, probability


@pytest.mark.parametrize(
    ("share", "words"), ((0.5, "50.0%"), (0.95, "95.0%"), (0.9996, "99.96%"), (0.99999, "99.999%"), (1.0, "100.0%"))
)
def test_shares_near_one_are_told_from_one(share, words):
    assert near_one(share) == words


@pytest.mark.parametrize(
    ("share", "interval", "words"),
    (
        (0.6711, (0.59, 0.74), "67 %"),
        (0.9861, (0.968, 0.994), "98.6 %"),
        (0.99627, (0.9949, 0.9973), "99.63 %"),
        (0.9999, (0.9, 1.0), "99.99 %"),
        (0.0004, (0.0, 0.06), "0.04 %"),
        (1.0, (0.9, 1.0), "100 %"),
        (0.0, None, "0 %"),
        (0.5, None, "50.0 %"),
    ),
)
def test_a_percentage_has_the_digits_that_its_interval_supports(share, interval, words):
    assert percent(share, interval) == words


def test_the_limits_of_an_interval_have_the_digits_of_the_value():
    assert percent_range((0.5912, 0.7377)) == "59 to 74 %"
    assert percent_range((0.9949, 0.9973)) == "99.49 to 99.73 %"


@pytest.mark.parametrize(("value", "words"), ((1.0, ">99.9 %"), (0.9994, "99.9 %"), (0.731, "73.1 %"), (0, "<0.1 %")))
def test_no_probability_is_certain(value, words):
    assert probability(value) == words


@pytest.mark.parametrize(
    ("name", "width", "short"),
    (
        ("roses/1.jpg", 20, "roses/1.jpg"),
        ("roses/12345_abcdefgh_n.jpg", 20, "roses/1…cdefgh_n.jpg"),
        ("\u732b" * 20, 11, "\u732b\u732b…\u732b\u732b\u732b"),
        ("abc", 1, "…"),
    ),
)
def test_a_name_is_cut_in_the_middle(name, width, short):
    assert cut(name, width) == short
    assert columns_of(cut(name, width)) <= width


def test_columns_on_a_terminal():
    assert columns_of("abc") == 3
    assert columns_of("\u732b") == 2
    assert columns_of("e\u0301") == 1

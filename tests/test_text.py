import pytest

from tellapart import text
from tellapart.text import percent, percent_range, probability


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
    ("seconds", "words"),
    (
        (44e-6, "44 µs"), (2.6e-4, "0.26 ms"), (0.0044, "4.4 ms"), (0.044151, "44 ms"), (0.3, "300 ms"), (8.2, "8.2 s"),
        (44, "44 s"), (119.6, "120 s"), (0.9999, "1.0 s"), (750, "12 min"), (12_000, "3.3 h"), (0, "0 µs"),
    ),
)  # fmt: skip
def test_a_time_has_the_unit_that_suits_it(seconds, words):
    assert text.duration(seconds) == words


@pytest.mark.parametrize(
    ("count", "words"),
    ((1, "1 byte"), (812, "812 bytes"), (461_234, "461 kB"), (999_600, "1.0 MB"), (12e6, "12 MB"), (3.44e9, "3.4 GB"),
     (7.2e12, "7.2 TB")),
)  # fmt: skip
def test_a_size_has_the_unit_that_suits_it(count, words):
    assert text.file_size(count) == words


@pytest.mark.parametrize(
    ("count", "words"),
    (
        (850, "850"),
        (17_921, "17.9 k"),
        (407_050, "407 k"),
        (1_274_326, "1.27 M"),
        (999_999, "1 M"),
        (4 * 10**12, "4,000 G"),
    ),
)
def test_a_large_count_is_shortened(count, words):
    assert text.large_count(count) == words


def test_a_table_leaves_columns_out_before_it_becomes_blocks():
    rows, header = [["photos-001", "67 to 74", 1200], ["b", "5", 3]], ["run", "accuracy", "pictures"]
    whole = text.fitted(rows, header, None)
    assert whole.splitlines()[1] == "photos-001  67 to 74     1,200"
    assert text.fitted(rows, header, 30) == whole
    assert text.fitted(rows, header, 29, least=2).splitlines()[0] == "run         accuracy"
    assert text.fitted(rows, header, 29).splitlines()[:3] == ["photos-001", "  accuracy: 67 to 74", "  pictures: 1,200"]


def test_a_line_is_broken_between_words_only():
    assert text.wrapped("one two three seventy-three four", 20) == "one two three\n  seventy-three four"
    assert text.wrapped("one two", None) == "one two"


def test_a_long_name_keeps_its_start_and_its_end():
    assert text.cut("abcdefghijklmnop.jpg", 10) == "abc…op.jpg"
    assert text.cut("short.jpg", 10) == "short.jpg"
    assert text.columns_of(text.cut("雏菊" * 20, 10)) <= 10


def test_the_width_is_that_of_the_terminal(monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    assert text.terminal_width() == 72
    monkeypatch.delenv("COLUMNS")
    assert text.terminal_width() is None  # pytest's stdout is not a terminal

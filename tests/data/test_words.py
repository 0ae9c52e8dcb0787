"""Long columns of words: a sequence like a list, in little memory."""

import polars as pl
import pytest

from tellapart.data.words import Columns, Words

NAMES = ["a.jpg", "", "café/ü.png", "bytes\udcff.jpg", "a.jpg"]


def test_words_are_a_sequence():
    words = Words.of(NAMES)
    assert list(words) == NAMES == [words[i] for i in range(5)] == words[:]
    assert (words[-1], words[2:4], words.index("", 0), len(words)) == ("a.jpg", NAMES[2:4], 1, 5)
    assert words == NAMES
    assert words == Words.of(NAMES)
    assert hash(words) == hash(Words.of(NAMES))
    assert words != [*NAMES[:4], "b.jpg"]
    assert repr(words) == "<5 words: a.jpg, , café/ü.png, ...>"
    with pytest.raises(IndexError, match="word 5 of 5"):
        words[5]


def test_words_of_a_polars_column():
    assert list(Words.of(pl.Series(["é", "", "x"]))) == ["é", "", "x"]
    assert list(Words.of(pl.Series([], dtype=pl.String))) == []


def test_columns_are_made_when_they_are_asked_for():
    made = []
    columns = Columns({"a": lambda: made.append("a") or ["1"], "b": lambda: made.append("b") or ["2"]})
    assert (list(columns), len(columns), "a" in columns, "c" in columns) == (["a", "b"], 2, True, False)
    assert columns["b"] == ["2"]
    assert made == ["b"]

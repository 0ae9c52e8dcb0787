from tellapart.errors import DataError, PictureError, did_you_mean


def test_an_error_has_three_parts_in_words_and_for_machines():
    error = DataError("a.csv, line 3: has 2 values", "4", "repair the line")
    assert str(error) == "a.csv, line 3: has 2 values\n  expected: 4\n  to do: repair the line"
    assert error.to_dict() == {
        "error": "DataError",
        "given": "a.csv, line 3: has 2 values",
        "expected": "4",
        "action": "repair the line",
    }
    assert error.exit_code == 2


def test_a_picture_error_names_its_file():
    error = PictureError("a.png", "is empty", "try again")
    assert (error.source, error.given, error.action, error.exit_code) == ("a.png", "a.png: is empty", "try again", 1)


def test_did_you_mean():
    assert did_you_mean("qick", ["quick", "dense"]) == "did you mean quick? There are: dense, quick"
    assert did_you_mean("zzz", ["quick", "dense"]) == "choose one of: dense, quick"

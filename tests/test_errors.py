from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field, ValidationError, field_validator

from tellapart import verbs
from tellapart.errors import (
    DataError,
    PictureError,
    Stopped,
    TellapartError,
    UsageError,
    closest,
    did_you_mean,
    expected_value,
)


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


@pytest.mark.parametrize("kind", (TellapartError, UsageError, DataError))
def test_an_empty_third_part_is_not_printed(kind):
    assert str(kind("a.png: is a folder", "a file", "")) == "a.png: is a folder\n  expected: a file"
    assert kind("a.png: is a folder", "a file", "").to_dict()["action"] == ""


def test_a_stop_is_one_line_and_what_to_do():
    assert str(Stopped("stopped", "nothing is lost", "resume")) == "stopped; nothing is lost\n  to do: resume"
    assert str(Stopped("stopped", "nothing is lost", "")) == "stopped; nothing is lost"


def test_a_picture_error_names_its_file():
    error = PictureError("a.png", "is empty", "try again")
    assert (error.source, error.given, error.action, error.exit_code) == ("a.png", "a.png: is empty", "try again", 1)


def test_did_you_mean():
    assert did_you_mean("qick", ["quick", "dense"]) == "did you mean quick? There are: dense, quick"
    assert did_you_mean("zzz", ["quick", "dense"]) == "choose one of: dense, quick"


@pytest.mark.parametrize(
    ("word", "match"),
    (
        ("epoch", "epochs"), ("Epochs", "epochs"), ("trian", "train"), ("optimiser", "optimizer"),
        ("batch", "batch_size"), ("device", None), ("gpu", None), ("s", None), ("", None),
    ),
)  # fmt: skip
def test_only_similar_words_are_suggested(word, match):
    assert closest(word, ["epochs", "recipe", "train", "optimizer", "batch_size", "seed", "save-every"]) == match


class Fields(BaseModel):
    whole: int | None = Field(None, ge=1)
    between: int = Field(1, ge=0, lt=2**31)
    above: int = Field(1, gt=0, le=5)
    share: float = Field(0.1, ge=0, lt=1)
    positive: float = Field(0.1, gt=0, le=2)
    finite: float | None = Field(None, ge=1 / 6, allow_inf_nan=False)
    plain: float = 0.0
    choice: Literal["auto", "float32", "bfloat16"] = "auto"
    choices: Literal["crop", "pad"] | Literal["auto"] = "auto"
    number: Literal[1] = 1
    mixed: int | Literal["auto"] = "auto"
    switch: bool = False
    text: str | None = None
    path: Path | None = None
    several: list[str] = []
    table: dict[str, Any] = {}
    checked: Any = None

    @field_validator("checked")
    @classmethod
    def _refuse(cls, value):
        raise ValueError("an even number")


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    (
        ("whole", "x", "a whole number, at least 1"), ("whole", 0, "a whole number, at least 1"),
        ("whole", 1.5, "a whole number, at least 1"), ("whole", [], "a whole number, at least 1"),
        ("between", -1, "a whole number from 0 to 2,147,483,647"),
        ("between", 2**31, "a whole number from 0 to 2,147,483,647"), ("above", 0, "a whole number from 1 to 5"),
        ("share", 1.5, "a number, at least 0 and below 1"), ("share", "x", "a number, at least 0 and below 1"),
        ("positive", 0, "a number, above 0 and at most 2"), ("plain", "x", "a number"),
        ("finite", float("inf"), "a finite number, at least 0.1667"), ("finite", 0, "a finite number, at least 0.1667"),
        ("choice", "float64", "auto, float32 or bfloat16"), ("choices", "stretch", "crop, pad or auto"),
        ("number", 2, "1"), ("mixed", "x", "a whole number or auto"),
        ("switch", "x", "true or false"), ("text", 3, "text"), ("path", 3, "a path"), ("several", 3, "a list"),
        ("table", 3, "a table"), ("checked", 3, "an even number"),
    ),
)  # fmt: skip
def test_what_a_field_accepts_is_said_in_our_words(field, value, expected):
    with pytest.raises(ValidationError) as caught:
        Fields(**{field: value})
    info = Fields.model_fields[field]
    assert expected_value(info.annotation, info.metadata, caught.value.errors()[0]) == expected


PYDANTIC = ("Input should", "Value error", "unable to parse", "valid integer", "Assertion", "Field required")


@pytest.mark.parametrize(
    ("verb", "field"), [(verb, field) for verb in verbs.names() for field in verbs.load(verb).Options.model_fields]
)
def test_no_words_of_pydantic_reach_the_user(verb, field):
    """For every option of every verb, values that are wrong, as far as the option refuses any."""
    options = verbs.load(verb).Options
    needed = {name: "x" for name, info in options.model_fields.items() if info.is_required()}
    needed |= {"models": ["a", "b"]} if "models" in needed else {}
    for wrong in (object(), "\0", -1, "x", 2.5, ["x"], {"x": 1}, float("nan")):
        try:
            verbs.make_options(verb, needed | {field: wrong})
        except UsageError as error:
            assert error.given.startswith(f"{field} = ")
            assert error.expected
            assert not any(words in str(error) for words in PYDANTIC), str(error)
    if field in needed:
        with pytest.raises(UsageError, match=f"{verb}: {field} is missing"):
            verbs.make_options(verb, {name: value for name, value in needed.items() if name != field})


def test_values_that_an_option_refuses_are_named_with_what_it_accepts():
    for values, words in (
        ({"epochs": 0}, "epochs = 0\n  expected: a whole number, at least 1"),
        ({"folds": 1}, "folds = 1\n  expected: a whole number from 2 to 100"),
        ({"test": "all"}, "test = 'all'\n  expected: a number, at least 0 and below 1"),
        ({"precision": "half"}, "precision = 'half'\n  expected: auto, float32 or bfloat16"),
        ({"max_error_rate": "2"}, "max_error_rate = '2'\n  expected: a share between 0 and 1, such as 1% or 0.01"),
        ({"deterministic": "perhaps"}, "deterministic = 'perhaps'\n  expected: true or false"),
        ({"runs": 3}, "runs = 3\n  expected: a path"),
        ({"group": 3}, "group = 3\n  expected: text"),
    ):
        with pytest.raises(UsageError) as caught:
            verbs.make_options("train", {"data": "digits"} | values)
        assert str(caught.value) == words
    with pytest.raises(UsageError, match="train has no option 'epoch'") as caught:
        verbs.make_options("train", {"epoch": 3})
    assert caught.value.action.startswith("did you mean --epochs?")

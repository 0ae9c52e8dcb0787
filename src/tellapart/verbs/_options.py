"""The options of a verb: the record that holds them, what each accepts, and the words for a wrong value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from tellapart.errors import UsageError, closest, expected_value


class Record(BaseModel):
    """Base class of a verb's options: frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    instead: ClassVar[Mapping[str, str]] = {}
    """Options of other tools, as typed without dashes at the start, and what to type instead."""

    @field_validator("*")
    @classmethod
    def _expand_home(cls, value: Any) -> Any:
        """Replace a leading `~` of a path by the home folder: not every shell does, and Python does not."""
        return value.expanduser() if isinstance(value, Path) and value.parts[:1] == ("~",) else value


@dataclass(frozen=True)
class Accepts:
    """What an option declared as `Annotated[Any, Accepts(...)]` takes in Python.

    `types` is the type as text, as the stub `tellapart/__init__.pyi` and `help()` show it. It uses names that
    `tellapart` exports and names of the standard library or numpy that `scripts/stubs` can import. `also` completes
    the sentence "In Python also ..." in the documentation. `complete` is what the shell offers: model, recipe,
    backbone or data.
    """

    types: str
    also: str = ""
    complete: str = ""


_MODEL = "str | PathLike[str] | Classifier | Run"
_PICTURE = "str | PathLike[str] | bytes | Image | ndarray"

Source = Annotated[
    Any,
    Accepts(
        "str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike]",
        "a Collection, or a tuple of arrays (pictures, labels)",
        complete="data",
    ),
]
"""Labelled pictures."""

Model = Annotated[Any, Accepts(_MODEL, "a Classifier or a Run", complete="model")]
"""A model."""

Models = Annotated[list[Any], Accepts(f"Sequence[{_MODEL}]", "Classifiers or Runs", complete="model")]
"""Several models."""

Picture = Annotated[Any, Accepts(_PICTURE, "the bytes of a file, a Pillow image or an array")]
"""One picture."""

Pictures = Annotated[
    list[Any],
    Accepts(
        f"{_PICTURE} | Iterable[{_PICTURE}]", "one picture or any iterable of paths, bytes, Pillow images or arrays"
    ),
]
"""One picture or several."""

RecipeSource = Annotated[Any, Accepts("str | Path | Recipe", "a Recipe", complete="recipe")]
"""A recipe."""

BackboneName = Annotated[str | None, Accepts("str | None", complete="backbone")]
"""A pretrained backbone."""

Changes = Annotated[Any, Accepts("Mapping[str, object] | Sequence[str]", "a mapping of field names to values")]
"""Changes of a recipe's fields."""

ClassNames = Annotated[Any, Accepts("str | PathLike[str] | Sequence[str]", "a list of names")]
"""Class names in label order."""

LabelPlace = Annotated[
    str | None,
    Field(
        description="Where the label comes from: parent or grandparent (folders), a column of the table, or a regular "
        "expression for the path below DATA, whose first group is the label, such as '(cat|dog)\\.\\d+'."
    ),
]
"""What names the class of a picture."""

ImageColumn = Annotated[str | None, Field(description="The column of the table with the names of the picture files.")]
"""A column of a table."""

ImagesFolder = Annotated[str | None, Field(description="The folder that the file names in the table are relative to.")]
"""A folder of pictures."""

SplitColumn = Annotated[str | None, Field(description="The column of the table with the splits.")]
"""A column of a table."""

Delimiter = Annotated[
    str | None, Field(description="The character between the columns of a text table, such as ';' or tab.")
]
"""A character."""

Share = Annotated[Any, Accepts("float | str")]
"""A share between 0 and 1, such as 0.01 or "1%"; `share` reads it."""

Size = Annotated[Any, Accepts("int | str")]
"""A picture size in pixels: a side, or HEIGHTxWIDTH; `picture_size` reads it."""

PathOrAuto = Annotated[Any, Accepts("str | PathLike[str]")]
"""A path, or the word auto."""


def argument(default: Any = ..., **options: Any) -> Any:
    """A field that is given by position instead of by a flag."""
    return Field(default, json_schema_extra={"argument": True}, **options)


def is_argument(field: FieldInfo) -> bool:
    """Whether a field was made with `argument`."""
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("argument"))


def completed_by(field: FieldInfo) -> str:
    """What the shell offers for a field: `model`, `recipe` or `data`; else an empty text."""
    return next((item.complete for item in field.metadata if isinstance(item, Accepts)), "")


def share(value: Any) -> float | None:
    """Read a share such as `1%` or `0.01`. Raises ValueError unless it is above 0 and below 1."""
    if value is None:
        return None
    text = str(value).strip()
    try:
        number = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        number = -1.0
    if not 0 < number < 1:
        raise ValueError("a share between 0 and 1, such as 1% or 0.01")
    return number


def picture_size(value: Any) -> str | None:
    """Read a picture size, such as `128` or `96x128`; returns it as HEIGHTxWIDTH. Raises ValueError."""
    if value is None:
        return None
    sides = str(value).lower().replace(" ", "").split("x")
    if len(sides) > 2 or not all(side.isdecimal() and 1 <= int(side) <= 4096 for side in sides):
        raise ValueError("a side in pixels from 1 to 4,096, such as 128, or height x width, such as 96x128")
    return f"{int(sides[0])}x{int(sides[-1])}"


def advice_on(option: str, record: type[Record]) -> str:
    """What to type instead of an option that does not exist: another tool's, a recipe's field, or a similar one."""
    from tellapart.recipes.recipe import Recipe

    typed = option.replace("_", "-")
    if typed in record.instead:
        return f"use {record.instead[typed]}" if record.instead[typed].startswith("-") else record.instead[typed]
    if "set" in record.model_fields and option.replace("-", "_") in Recipe.model_fields:
        return f"it is a field of the recipe: use --set {option.replace('-', '_')}=VALUE"
    match = closest(typed, [name.replace("_", "-") for name in record.model_fields])
    return f"did you mean --{match}?" if match else ""


def make_record(verb: str, record: type[Record], values: Mapping[str, Any]) -> Record:
    """Build the options record of a verb. Raises UsageError that names the option and what it accepts."""
    try:
        return record(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]) if first["loc"] else verb
        if first["type"] == "extra_forbidden":
            known = f"one of its options: {', '.join(record.model_fields)}"
            raise UsageError(f"{verb} has no option {option!r}", known, advice_on(option, record)) from error
        field = record.model_fields[option]
        if first["type"] == "missing":
            raise UsageError(f"{verb}: {option} is missing", field.description or option, "") from error
        expected = expected_value(field.annotation, field.metadata, first)
        raise UsageError(f"{option} = {first['input']!r}", expected, "") from error

"""The options of a verb: the record that holds them, what each accepts, and the words for a wrong value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from tellapart.errors import UsageError, did_you_mean, expected_value


class Record(BaseModel):
    """Base class of a verb's options: frozen, and without unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

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
    the sentence "In Python also ..." in the documentation.
    """

    types: str
    also: str = ""


_MODEL = "str | PathLike[str] | Classifier | Run"
_PICTURE = "str | PathLike[str] | bytes | Image | ndarray"

Source = Annotated[
    Any,
    Accepts(
        "str | PathLike[str] | Collection | tuple[ArrayLike, ArrayLike]",
        "a Collection, or a tuple of arrays (pictures, labels)",
    ),
]
"""Labelled pictures."""

Model = Annotated[Any, Accepts(_MODEL, "a Classifier or a Run")]
"""A model."""

Models = Annotated[list[Any], Accepts(f"Sequence[{_MODEL}]", "Classifiers or Runs")]
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

RecipeSource = Annotated[Any, Accepts("str | Path | Recipe", "a Recipe")]
"""A recipe."""

Changes = Annotated[Any, Accepts("Mapping[str, object] | Sequence[str]", "a mapping of field names to values")]
"""Changes of a recipe's fields."""

ClassNames = Annotated[Any, Accepts("str | PathLike[str] | Sequence[str]", "a list of names")]
"""Class names in label order."""

Share = Annotated[Any, Accepts("float | str")]
"""A share between 0 and 1, such as 0.01 or "1%"; `share` reads it."""

PathOrAuto = Annotated[Any, Accepts("str | PathLike[str]")]
"""A path, or the word auto."""


def argument(default: Any = ..., **options: Any) -> Any:
    """A field that is given by position instead of by a flag."""
    return Field(default, json_schema_extra={"argument": True}, **options)


def is_argument(field: FieldInfo) -> bool:
    """Whether a field was made with `argument`."""
    return isinstance(field.json_schema_extra, dict) and bool(field.json_schema_extra.get("argument"))


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


def make_record(verb: str, record: type[Record], values: Mapping[str, Any]) -> Record:
    """Build the options record of a verb. Raises UsageError that names the option and what it accepts."""
    try:
        return record(**values)
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]) if first["loc"] else verb
        if first["type"] == "extra_forbidden":
            suggestion = did_you_mean(option, record.model_fields)
            raise UsageError(f"{verb} has no option {option!r}", "one of its options", suggestion) from error
        field = record.model_fields[option]
        if first["type"] == "missing":
            raise UsageError(f"{verb}: {option} is missing", field.description or option, "") from error
        expected = expected_value(field.annotation, field.metadata, first)
        raise UsageError(f"{option} = {first['input']!r}", expected, "") from error

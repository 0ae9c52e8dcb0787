"""Changes to a recipe: `FIELD=VALUE` as typed, or a mapping in Python, as the fields of a record."""

from __future__ import annotations

import contextlib
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from tellapart.errors import RecipeError, UsageError, did_you_mean

if TYPE_CHECKING:
    from tellapart.recipes.recipe import Recipe

AUTO = "auto"
"""The recipe that is chosen from the pictures; the latest interrupted run for --resume."""

NONE = "none"
"""The word for no backbone: training from scratch."""


def several(value: Any) -> Any:
    """The option `set` as it is stored: a mapping of plain values, or a list of texts."""
    if isinstance(value, Mapping):  # a record becomes its fields, which run.json can hold
        return {name: one.model_dump() if isinstance(one, BaseModel) else one for name, one in value.items()}
    return [] if value is None else [value] if isinstance(value, str) else value


def changes_of(recipe: Recipe, asked: Any) -> dict[str, Any]:
    """The changes by field; those within a record, such as augmentation, as a mapping.

    Raises RecipeError for a field of something that is not a record, UsageError for text without `=`.
    """
    changes: dict[str, Any] = {}
    items = asked.items() if isinstance(asked, Mapping) else [_assignment(text) for text in asked]
    for name, value in items:
        if isinstance(value, str):  # words are taken without quotes; numbers, true and false are read as TOML
            with contextlib.suppress(tomllib.TOMLDecodeError):
                value = tomllib.loads(f"x = {value}")["x"]
        parent, _, child = name.replace("-", "_").partition(".")
        before = changes.get(parent, {})
        is_record = isinstance(getattr(recipe, parent, None), BaseModel) and isinstance(before, dict)
        if child and not is_record:
            raise RecipeError(
                f"--set: has the unknown field {name!r}",
                "a field of a recipe",
                did_you_mean(parent, set(type(recipe).model_fields) - {"network", "initialise"}),
            )
        value = {child: value} if child else value
        changes[parent] = before | value if is_record and isinstance(value, dict) else value
    return changes


def _assignment(text: str) -> tuple[str, str]:
    name, sign, value = str(text).partition("=")
    if not sign:
        raise UsageError(f"--set {text}", "FIELD=VALUE, for instance optimizer=sgd or augmentation.zoom=0.2", "")
    return name.strip(), value.strip()

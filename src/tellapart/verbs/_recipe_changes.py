"""Changes of a recipe that the options of train ask for: `--set`, and options for single fields such as `--batch`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tellapart.errors import UsageError
from tellapart.verbs._settings import NONE, changes_of
from tellapart.verbs._train_options import Options

if TYPE_CHECKING:
    from tellapart.recipes.recipe import Recipe

FLAGS = {"batch": "batch_size", "learning_rate": "learning_rate", "patience": "patience"}
"""Options that change one field of the recipe."""


def all_changes(recipe: Recipe, options: Options) -> dict[str, Any]:
    """The changes that `--set` and the options for single fields ask for.

    Raises UsageError where both change the same field, and what `changes_of` raises.
    """
    changes = changes_of(recipe, options.set)
    for option, field, value in _single_fields(options):
        if field in changes and changes[field] != value:
            raise UsageError(
                f"--set {field}={changes[field]} and --{option.replace('_', '-')} {getattr(options, option)}",
                "one of them",
                "",
            )
        changes[field] = value
    return changes


def fields_of(given: Mapping[str, Any]) -> set[str]:
    """The fields of the recipe that these options of train change, apart from `--set`."""
    fields = {field for option, field in FLAGS.items() if given.get(option) is not None}
    if given.get("size") is not None:
        fields |= {"height", "width"}
    if given.get("backbone") not in (None, NONE):
        fields |= {"backbone"}
    return fields | {"epochs"} if given.get("epochs") is not None else fields


def _single_fields(options: Options) -> Iterator[tuple[str, str, Any]]:
    """Option, field and value of each option for a field of the recipe that was given."""
    for option, field in FLAGS.items():
        if (value := getattr(options, option)) is not None:
            yield option, field, value
    if options.backbone not in (None, NONE):
        yield "backbone", "backbone", options.backbone
    if options.size is not None:
        height, width = map(int, options.size.split("x"))
        yield from (("size", "height", height), ("size", "width", width))

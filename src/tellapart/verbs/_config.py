"""Repeat the options of an earlier run: `train --config run.json`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import UsageError
from tellapart.verbs._interrupted import exists, recorded_options
from tellapart.verbs._options import make_record
from tellapart.verbs._recipe_changes import fields_of
from tellapart.verbs._settings import AUTO
from tellapart.verbs._train_options import Options

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN = {"config", "name", "resume", "runs"}
"""Options that belong to one run, and are not repeated."""

ENDINGS = ("epochs", "minutes")
"""What ends a training: one that is given replaces the other."""


def with_config(options: Options) -> Options:
    """The options of the run that `--config` names, changed by those that were given; without it, the same options.

    Raises UsageError if it is not a run, or if its pictures or its recipe existed only in memory.
    """
    if options.config is None:
        return options
    record = _record(options.config)
    repeated = set(Options.model_fields) - OWN
    before = {name: value for name, value in recorded_options(record).items() if name in repeated}
    given = {name: getattr(options, name) for name in options.model_fields_set - {"config"}}
    if any(given.get(name) is not None for name in ENDINGS):
        before |= dict.fromkeys(ENDINGS)
    before = _without_changes(before, fields_of(given), given.get("set"))
    _check_found(options.config, record, before | given)
    merged = make_record("train", Options, before | given)
    assert isinstance(merged, Options)
    return merged


def _record(path: Path) -> dict[str, Any]:
    from tellapart.training.run_folder import RunFolder, read_record

    return read_record(path) if path.is_file() else RunFolder(path).read()


def _without_changes(before: Mapping[str, Any], typed: set[str], changes: Any) -> dict[str, Any]:
    """The recorded options without changes of a recipe's field that is given in another way."""
    kept = dict(before)
    recorded = kept.get("set") or []
    if isinstance(recorded, dict):
        kept["set"] = {name: value for name, value in recorded.items() if name not in typed}
    else:
        kept["set"] = [text for text in recorded if str(text).partition("=")[0] not in typed]
    names = set(changes) if isinstance(changes, dict) else {str(text).partition("=")[0] for text in changes or ()}
    for option in ("batch", "size", "learning_rate", "patience", *ENDINGS):
        if fields_of({option: 1}) & names:
            kept[option] = None
    return kept


def _check_found(path: Path, record: dict[str, Any], merged: Mapping[str, Any]) -> None:
    """Raise UsageError if the pictures or the recipe of the run cannot be found again."""
    if isinstance(merged.get("data"), str) and not exists(merged["data"]):
        raise UsageError(f"--config {path}: its pictures are not at {merged['data']}", "data too", "")
    if merged.get("recipe") == record["options"].get("recipe"):
        _check_recipe(path, record)


def _check_recipe(path: Path, record: dict[str, Any]) -> None:
    """Raise UsageError if the recipe of that name is another one now, as after a training with a Recipe object."""
    from tellapart.recipes.find import find_recipe
    from tellapart.verbs._planning import with_changes

    options = {name: value for name, value in recorded_options(record).items() if name in Options.model_fields}
    original = make_record("train", Options, options)
    assert isinstance(original, Options)
    name = record["recipe_base"] if original.recipe == AUTO else original.recipe
    before, now = record.get("recipe_found") or {}, with_changes(find_recipe(name), original, check=False)
    other = [field for field, value in now.recipe.changes().items() if field in before and before[field] != value]
    if other:
        raise UsageError(
            f"--config {path}: the recipe {name} had {other[0]} = {before[other[0]]} in that run, and has "
            f"{now.recipe.changes()[other[0]]} now",
            "the same recipe",
            "name one with --recipe",
        )

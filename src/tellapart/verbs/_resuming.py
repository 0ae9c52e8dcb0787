"""Trainings that did not come to their end: found again by what was asked of them, and gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import CheckpointError, TrainingError, UsageError
from tellapart.text import counted, quoted

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.split_table import SplitTable
    from tellapart.images.preprocessing import Preparation
    from tellapart.recipes.find import Found
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.run import RunFolder
    from tellapart.verbs.train import Options

AUTO = "auto"
"""--resume auto: the unfinished training with the same options, or a new one."""

FREE = {"data", "runs", "resume", "save_every"}
"""Options that do not decide what comes of a training."""


@dataclass(frozen=True)
class Kept:
    """A training that was broken off: its folder and what run.json says of it."""

    folder: RunFolder
    record: dict[str, Any]

    def recipe(self, found: Found, pictures: int, shape: tuple[int, int, int]) -> Recipe:
        """The recipe as it was decided then, to the last field; `found` has the same network."""
        return found.changed(dict(self.record["recipe"]), str(self.folder.path)).for_data(pictures, shape)

    def check_recipe(self, found: Found) -> None:
        """Raise CheckpointError where the recipe, as it is found now, is another than it was."""
        before, now = self.record.get("recipe_found"), found.recipe.changes()
        changed = sorted(name for name in now if before is not None and before.get(name) != now[name])
        if changed:
            name = changed[0]
            raise CheckpointError(
                f"the recipe {found.recipe.name} has changed since {self.folder.path} was started: {name} was "
                f"{before.get(name)} and is {now[name]}",  # type: ignore[union-attr]
                "the recipe that the run was started with",
                "put it back as it was, or train anew, without --resume",
            )

    def preprocessing(self) -> Preparation:
        """The preparation as it was."""
        from tellapart.images.preprocessing import Preparation

        return Preparation.model_validate(self.record["preprocessing"])

    def check(self, collection: Collection, split_table: SplitTable) -> None:
        """Raise CheckpointError where the pictures or their parts are not what they were."""
        kept = self.record["data"]
        if kept["fingerprint"] != collection.fingerprint:
            raise CheckpointError(
                f"{collection.source}: is not what it was when {self.folder.path} was started (then "
                f"{kept['pictures']:,} pictures, now {len(collection):,}; names, labels or contents differ)",
                "the same pictures",
                "put them back as they were, or train anew, without --resume",
            )
        if self.record["split"].get("digest") != split_table.digest:
            raise CheckpointError(
                f"{self.folder.path}: its pictures are not split as they were",
                "the same parts",
                "install the version of tellapart that began it, or train anew, without --resume",
            )

    def asked(self) -> str:
        """The options that it was started with, but for the data's, as they are typed; "" where all were left alone."""
        from tellapart.verbs.train import Options

        before, words = _asked(self.record), []
        for name, info in Options.model_fields.items():
            value = before.get(name)
            left = value is None or value is False or value == info.get_default(call_default_factory=True)
            if name not in FREE and not left:
                flag = f"--{name.replace('_', '-')}"
                values = [f"{k}={v}" for k, v in value.items()] if isinstance(value, dict) else value
                words += [f"{flag} {quoted(str(one))}" for one in values] if isinstance(values, list) else [
                    flag if value is True else f"{flag} {quoted(str(value))}"
                ]  # fmt: skip
        return " ".join(words)

    def progress(self) -> str:
        """How far it had come, in words."""
        from tellapart.training.watch import HISTORY
        from tellapart.verbs._running import FOLDS

        try:
            rows = (self.folder.path / HISTORY).read_text(encoding="utf-8").count("\n") - 1
        except OSError:
            rows = 0
        folds = self.record["options"].get("folds")
        if folds and not rows:
            done = len(list((self.folder.path / FOLDS).glob("fold-*.npz")))
            return f"{done} of {folds} folds done"
        return f"{counted(rows, 'epoch')} done"


def find_kept(options: Options) -> tuple[Options, Kept | None]:
    """What --resume asks for: the options that the run was started with, and the run.

    Raises UsageError where the folder is none of an unfinished training, or was started with other options.
    """
    from tellapart.training.run import RunFolder

    if options.resume == AUTO:
        if options.data is not None and _source(options.data) is None:
            raise UsageError(
                "resume = auto with pictures in memory",
                "a data set's name or a path, by which the training is found again",
                "name the run's folder",
            )
        return options, unfinished(options)
    folder = RunFolder(Path(options.resume).expanduser())
    kept = still_unfinished(Kept(folder, {}))
    record = kept.record
    given, before = _plain(options), _asked(record)
    defaults = {name: info.get_default(call_default_factory=True) for name, info in type(options).model_fields.items()}
    for name in sorted(set(type(options).model_fields) - FREE):
        if getattr(options, name) != defaults[name] and given[name] != before.get(name, defaults[name]):
            raise UsageError(
                f"--{name.replace('_', '-')} {given[name]} with --resume {options.resume}",
                f"what it was started with: {before.get(name, defaults[name])}",
                "leave the option out, or train anew",
            )
    values = {name: value for name, value in before.items() if name in type(options).model_fields}
    values |= {"resume": options.resume, "runs": options.runs, "save_every": options.save_every}
    if options.data is not None:
        values["data"] = options.data
    elif not _is_there(values["data"]):
        raise UsageError(
            f"--resume {options.resume}: its pictures are not at {values['data']}",
            "the data that it was started with",
            "give it as well: tellapart train DATA --resume RUN, or data= in Python where it was in memory",
        )
    if not isinstance(options.recipe, (str, Path)):  # an object, which run.json has by name only
        values["recipe"] = options.recipe
    return type(options)(**values), kept


def still_unfinished(kept: Kept) -> Kept:
    """The same training as its folder says now. Raises UsageError where it has come to its end."""
    record = kept.folder.read()
    if record["status"] == "done":
        raise UsageError(
            f"{kept.folder.path}: this training came to its end",
            "one that was broken off",
            f"use its model: {kept.folder.path / 'model.keras'}",
        )
    return Kept(kept.folder, record)


def unfinished(options: Options) -> Kept | None:
    """The newest training with the same options that was broken off, in the folder for runs.

    Not one whose figures became no numbers: it would come to the same again, bit for bit.
    """
    from tellapart.training.run import RECORD, RunFolder

    asked = _plain(options)
    found: list[tuple[str, Kept]] = []
    for path in options.runs.glob(f"*/{RECORD}"):
        folder = RunFolder(path.parent)
        try:
            record = folder.read()
        except UsageError:
            continue
        before = _asked(record)
        same = all(json.dumps(before.get(name)) == json.dumps(asked[name]) for name in set(asked) - FREE)
        reason = record.get("reason")
        lost = isinstance(reason, dict) and reason.get("error") == TrainingError.__name__
        if record["status"] != "done" and not lost and same and before.get("data") == asked["data"]:
            found.append((str(record.get("started")), Kept(folder, record)))
    return max(found, key=lambda one: one[0])[1] if found else None


def _asked(record: dict[str, Any]) -> dict[str, Any]:
    """What a run was asked for, as it would be written now."""
    options = record["options"]
    changed = options.get("set")
    return options | {"set": [changed]} if isinstance(changed, str) else options


def asked_for(options: Options, source: Any) -> dict[str, Any]:
    """The options as run.json keeps them; `source` is what the data calls itself."""
    from tellapart.training.record import place_of_data

    return _plain(options) | {"data": place_of_data(source)}


def _source(data: Any) -> str | Path | None:
    """What data calls itself: a name or a path, or a collection's source; None for pictures in memory."""
    if isinstance(data, (str, Path)):
        return data
    found = getattr(data, "source", None)
    return found if isinstance(found, str) and _is_there(found) else None


def _is_there(place: str) -> bool:
    from tellapart.data import datasets

    # Path.exists raises where a path may not be looked at.
    return place in datasets.names() or os.path.exists(place)  # noqa: PTH110


def _plain(options: Options) -> dict[str, Any]:
    from tellapart.recipes import find
    from tellapart.training.record import place, place_of_data

    plain = options.model_dump(mode="json", exclude={"data", "recipe", "classes"}, fallback=str)
    recipe = options.recipe if isinstance(options.recipe, (str, Path)) else find.find_recipe(options.recipe).recipe.name
    classes = options.classes
    if classes is None and getattr(options.data, "named", False):  # an open collection brings its own
        classes = options.data.class_names
    plain["recipe"] = place(recipe, find.names())
    plain["classes"] = place(classes) if isinstance(classes, (str, Path)) else classes and list(classes)
    source = _source(options.data)
    plain["data"] = None if source is None else place_of_data(source)
    if isinstance(options.set, Mapping):
        plain["set"] = _values(options.set)
    return plain


def _values(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes as JSON has them: plain numbers for NumPy's."""
    return {
        name: _values(value) if isinstance(value, Mapping) else value.item() if hasattr(value, "item") else value
        for name, value in changes.items()
    }

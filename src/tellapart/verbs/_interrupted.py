"""Interrupted runs: found by their folder or by the options they were started with."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import CheckpointError, ModelFileError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted, quoted
from tellapart.verbs._grouping import NONE
from tellapart.verbs._runs import LAST, find_run, read_run, run_folders
from tellapart.verbs._settings import AUTO
from tellapart.verbs._train_options import Options

if TYPE_CHECKING:
    from tellapart.data.collection import Collection
    from tellapart.data.split_table import SplitTable
    from tellapart.recipes.find import AdaptiveRecipe
    from tellapart.training.run_folder import RunFolder

FREE = {"config", "data", "device", "name", "resume", "runs", "save_every", "tensorboard"}
"""Options that do not change the result of a training."""

SHOWN = {"device", "tensorboard"}
"""Those that a resumed run takes over unless they are given again."""

FOLDS = "folds"
"""The folder within a run that keeps finished folds until the run is done."""


@dataclass(frozen=True)
class Interrupted:
    """An interrupted run: its folder, its run.json, and the options to resume it with."""

    folder: RunFolder
    record: dict[str, Any]
    options: Options

    @property
    def group(self) -> str | None:
        """What `--group` takes to make the groups of the run again, without looking for groups."""
        if self.options.group not in (None, AUTO):
            return self.options.group
        groups = self.record["split"].get("groups", {})
        if groups is None:
            return NONE
        return groups.get("by") or None  # None where the data has groups of its own

    def check_format(self) -> None:
        """Raise CheckpointError if another version of tellapart started the run."""
        from tellapart.training.run_folder import FORMAT

        if self.record.get("format") != FORMAT:
            raise CheckpointError(
                f"{self.folder.path}: was started by another version of tellapart",
                "a run that this version started",
                "install that version, or start a new run without --resume",
            )

    def check_recipe(self, found: AdaptiveRecipe) -> None:
        """Raise CheckpointError if the recipe is no longer what it was when the run was started."""
        before, now = self.record["recipe_found"], found.recipe.changes()
        changed = sorted(name for name in now if before.get(name) != now[name])
        if changed:
            name = changed[0]
            raise CheckpointError(
                f"the recipe {found.recipe.name} has changed since {self.folder.path} was started: {name} was "
                f"{before.get(name)} and is {now[name]}",
                "the recipe that the run was started with",
                "restore it, or start a new run without --resume",
            )

    def check_data(self, collection: Collection) -> None:
        """Raise CheckpointError if the pictures have changed."""
        kept = self.record["data"]
        if kept["fingerprint"] != collection.fingerprint:
            raise CheckpointError(
                f"{collection.source}: has changed since {self.folder.path} was started (then "
                f"{kept['pictures']:,} pictures, now {len(collection):,}; names, labels or contents differ)",
                "the same pictures",
                "restore them, or start a new run without --resume",
            )

    def check_split(self, split_table: SplitTable) -> None:
        """Raise CheckpointError if the pictures would be split in another way."""
        if self.record["split"].get("digest") != split_table.digest:
            raise CheckpointError(
                f"{self.folder.path}: its pictures would now be split differently",
                "the split that the run was started with",
                "install the version of tellapart that started it, or start a new run without --resume",
            )

    def original_options(self) -> str:
        """The options that change the result, as they are typed, without defaults; may be empty."""
        before, words = recorded_options(self.record), []
        for name, info in Options.model_fields.items():
            value = before.get(name)
            default = value is None or value is False or value == info.get_default(call_default_factory=True)
            if name in FREE - SHOWN or default:
                continue
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                words.append(flag)
                continue
            values = [f"{k}={v}" for k, v in value.items()] if isinstance(value, dict) else value
            words += [f"{flag} {quoted(str(v))}" for v in (values if isinstance(values, list) else [values])]
        return " ".join(words)

    def progress(self) -> str:
        """How far it has come, in words."""
        rows, folds = self.folder.epochs(), self.record["options"].get("folds")
        if folds and not rows:
            done = len(list((self.folder.path / FOLDS).glob("fold-*.npz")))
            return f"{done} of {folds} folds done"
        return f"{counted(rows, 'epoch')} done"

    def check_again(self) -> Interrupted:
        """The same run as its folder is now, since another process may have finished it. Raises UsageError if so."""
        return Interrupted(self.folder, _unfinished_record(self.folder), self.options)

    def announce(self, on_event: Listener) -> None:
        """Report that this run is resumed."""
        asked = self.original_options()
        words = f" with its original options: {asked}" if asked else ""
        on_event(Note(f"resuming {self.folder.path} ({self.progress()}){words}", warning=True))


def find_interrupted(options: Options, on_event: Listener) -> Interrupted | None:
    """The run that `--resume` names; None for a new run.

    Without `--resume` an interrupted run of the same options is reported, in case the user wants that. Raises
    UsageError if the folder is not that of an interrupted run, or was started with other options.
    """
    if options.resume == AUTO:
        if options.data is not None and _source(options.data) is None:
            raise UsageError(
                "resume = auto with pictures in memory",
                "a data set's name or a path, by which the run is found",
                "name the run's folder",
            )
        return _latest(options)
    if options.resume is not None:
        return _named(options)
    if (other := _latest(options)) and not other.folder.busy():
        where = other.folder.path
        resume = f"continue it with --resume {quoted(str(where))}"
        on_event(
            Note(f"note: {where} is an interrupted run of this command ({other.progress()}); {resume}", warning=True)
        )
    return None


def _named(options: Options) -> Interrupted:
    """The run in the folder that `--resume` names, with the options it was started with."""
    from tellapart.training.run_folder import RunFolder

    folder = RunFolder(_folder(options.resume, options.runs))
    record = _unfinished_record(folder)
    given, before = plain_options(options), recorded_options(record)
    defaults = {name: info.get_default(call_default_factory=True) for name, info in Options.model_fields.items()}
    for name in sorted(set(Options.model_fields) - FREE):
        if getattr(options, name) != defaults[name] and given[name] != before.get(name, defaults[name]):
            raise UsageError(
                f"--{name.replace('_', '-')} {given[name]} with --resume {options.resume}",
                f"what the run was started with: {before.get(name, defaults[name])}",
                "leave the option out, or start a new run",
            )
    values = {name: value for name, value in before.items() if name in Options.model_fields}
    values |= {"resume": options.resume, "runs": options.runs, "save_every": options.save_every}
    values |= {"name": None, "config": None}
    values |= {name: getattr(options, name) for name in ("device", "tensorboard") if name in options.model_fields_set}
    if options.data is not None:
        values["data"] = options.data
    elif not exists(values["data"]):
        raise UsageError(
            f"--resume {options.resume}: its pictures are not at {values['data']}",
            "the data that it was started with",
            "name it too: tellapart train DATA --resume RUN, or data= in Python if it was in memory",
        )
    if not isinstance(options.recipe, (str, Path)):  # an object, of which run.json has only the name
        values["recipe"] = options.recipe
    return Interrupted(folder, record, Options(**values))


def _folder(name: str | Path, runs: Path) -> Path:
    """The folder of the run that --resume names: a path, a run's name, or `last`, the unfinished run started last.

    Raises UsageError for an unknown name.
    """
    if str(name) == LAST and not os.path.exists(name):  # noqa: PTH110  # Path.exists raises without permission
        states = ("interrupted", "failed")
        unfinished = [run for run in map(read_run, run_folders(runs)) if run.state in states and run.resumable]
        if not unfinished:
            raise UsageError(f"--resume {name}: no run in {runs} is unfinished", "an interrupted run", "")
        return max(unfinished, key=lambda run: run.started or "").path
    try:
        return Path(find_run(name, runs=runs))
    except ModelFileError as error:
        raise UsageError(f"--resume {error.given}", "an interrupted run", error.action) from error


def _latest(options: Options) -> Interrupted | None:
    """The newest interrupted run with the same options in the folder for runs.

    Not one that diverged: it would diverge again, bit for bit.
    """
    from tellapart.training.run_folder import FORMAT, RECORD, RunFolder

    asked = plain_options(options)
    candidates: list[tuple[str, Interrupted]] = []
    for path in options.runs.glob(f"*/{RECORD}"):
        folder = RunFolder(path.parent)
        try:
            record = folder.read()
        except UsageError:
            continue
        before = recorded_options(record)
        same = all(json.dumps(before.get(name)) == json.dumps(asked[name]) for name in set(asked) - FREE)
        worth = record["status"] != "done" and record.get("resumable", True) and record.get("format") == FORMAT
        if worth and same and before.get("data") == asked["data"]:
            candidates.append((str(record.get("started")), Interrupted(folder, record, options)))
    return max(candidates, key=lambda candidate: candidate[0])[1] if candidates else None


def _unfinished_record(folder: RunFolder) -> dict[str, Any]:
    """The run.json of a run. Raises UsageError if the run is done."""
    record = folder.read()
    if record["status"] == "done":
        raise UsageError(f"{folder.path}: this run is finished", "an interrupted run", f"use its model: {folder.model}")
    return record


def recorded_options(record: dict[str, Any]) -> dict[str, Any]:
    """The options that a run was started with."""
    options: dict[str, Any] = record["options"]
    changed = options.get("set")
    return options | {"set": [changed]} if isinstance(changed, str) else options


def recorded(options: Options, source: Any) -> dict[str, Any]:
    """The options as run.json keeps them; `source` is the collection's."""
    from tellapart.training.places import place_of_data

    return plain_options(options) | {"data": place_of_data(source)}


def plain_options(options: Options) -> dict[str, Any]:
    """The options as plain values, with paths that are valid from any folder."""
    from tellapart.recipes import find
    from tellapart.training.places import place, place_of_data

    plain = options.model_dump(mode="json", exclude={"data", "recipe", "classes"}, fallback=str)
    recipe = options.recipe if isinstance(options.recipe, (str, Path)) else find.find_recipe(options.recipe).recipe.name
    classes = options.classes
    if classes is None and getattr(options.data, "named", False):  # an open collection brings its own
        classes = options.data.class_names
    plain |= getattr(options.data, "said", {})  # what an open collection was opened with
    plain["recipe"] = place(recipe, find.names())
    plain["weights"] = None if options.weights is None else place(options.weights)
    plain["classes"] = place(classes) if isinstance(classes, (str, Path)) else classes and list(classes)
    source = _source(options.data)
    plain["data"] = None if source is None else place_of_data(source)
    if isinstance(options.set, Mapping):
        plain["set"] = _plain_values(options.set)
    return plain


def _plain_values(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Changes with plain numbers in place of NumPy's."""
    return {
        name: _plain_values(value) if isinstance(value, Mapping) else value.item() if hasattr(value, "item") else value
        for name, value in changes.items()
    }


def _source(data: Any) -> str | Path | None:
    """The name or path of data, or a collection's source; None for pictures in memory."""
    if isinstance(data, (str, Path)):
        return data
    source = getattr(data, "source", None)
    return source if isinstance(source, str) and exists(source) else None


def exists(place: str) -> bool:
    """Whether data of this name or at this path is here."""
    from tellapart.data import datasets

    return place in datasets.names() or os.path.exists(place)  # noqa: PTH110  # Path.exists raises without permission

"""Repeat the options of an earlier run: `train --config run.json`."""

from __future__ import annotations

from tellapart.errors import UsageError
from tellapart.verbs._train_options import Options

OWN = {"config", "name", "resume", "runs"}
"""Options that belong to one run, and are not repeated."""


def with_config(options: Options) -> Options:
    """The options of the run that `--config` names, changed by those that were given; without it, the same options.

    Raises UsageError if it is not a run, or if its data or its recipe existed only in memory.
    """
    from tellapart.training.run_folder import RECORD, RunFolder

    if options.config is None:
        return options
    path = options.config
    record = RunFolder(path.parent if path.name == RECORD else path).read()
    before = {
        name: value for name, value in record["options"].items() if name in Options.model_fields and name not in OWN
    }
    given = {name: getattr(options, name) for name in options.model_fields_set - {"config"}}
    if given.get("epochs") is not None or given.get("minutes") is not None:  # one of them ends the training
        before |= {"epochs": None, "minutes": None}
    if before.get("data") is None and given.get("data") is None:
        raise UsageError(f"--config {path}: the pictures of that run were in memory", "data too", "")
    return Options(**before | given)

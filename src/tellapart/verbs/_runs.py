"""Runs by name: the folder of a run or model that the user names, and what a folder of runs contains."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import ModelFileError, UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted, quoted

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier

RUNS = Path("runs")
"""The folder where runs are looked up by name."""

LAST = "last"
"""The name for the run that was finished last."""

LISTED = 8
"""At most this many run names are listed for an unknown one."""

_RECORD, _MODEL, _REPORT = (
    "run.json",
    "model.keras",
    "report.html",
)  # importing run_folder, which has them, takes longer than --help may
_SPLITS = ("test", "cross_validation", "validation")


def load_model(model: Any) -> Classifier:
    """The classifier of a model file, a run folder, a run's name, a Run or a Classifier. Raises ModelFileError."""
    from tellapart.classifier.classifier import load_classifier

    return load_classifier(find_model(model))


def load_for_answers(options: Any, on_event: Listener) -> Classifier:
    """The classifier `options.model` with the views and the error rate that were asked for.

    Warns if its confidence was not calibrated, or for other views. Raises ModelFileError and UsageError.
    """
    classifier = load_model(options.model)
    if options.views is not None:
        classifier = classifier.with_views(options.views)
    if options.max_error_rate is not None:
        classifier = classifier.with_max_error_rate(options.max_error_rate)
    if warning := classifier.calibration_warning():
        on_event(Note(warning, warning=True))
    return classifier


def find_model(model: Any) -> Any:
    """What `load_classifier` accepts for a model that the user named; objects stay as they are.

    Raises ModelFileError for an unknown name, and UsageError for a run that has no model yet.
    """
    found = find_run(model, _MODEL)
    if isinstance(found, Path) and is_run(found) and not os.path.exists(found / _MODEL):  # noqa: PTH110  # may raise
        run = read_run(found)
        raise UsageError(f"{found}: has no model yet ({run.state}{run.progress})", "a finished run", run.advice)
    return found


def find_run(name: Any, holding: str = _MODEL, runs: Path = RUNS) -> Any:
    """The path that a path or the name of a run leads to; objects that are not paths stay as they are.

    An existing path comes first, unless it is a folder without a run and there is a run of that name. Then `runs/NAME`,
    then the only run of that name below `runs`. `last` is the run whose file `holding` is the newest. Raises
    ModelFileError, which lists similar names, if there is nothing of the name.
    """
    if not isinstance(name, (str, os.PathLike)):
        return name
    text = os.fspath(name)
    path = Path(text).expanduser()
    exists = os.path.exists(path)  # noqa: PTH110  # Path.exists raises for a path without permission
    if exists and not _is_other_folder(path):
        return path
    folders = run_folders(runs)
    only_a_path = text.startswith((os.curdir, "~")) or path.is_absolute()
    found = None if only_a_path else _by_name(text, folders, holding, runs)
    if found is not None:
        return found
    if exists or only_a_path or path.suffix == ".keras":  # reading it reports that it is not there, or not a model
        return path
    raise ModelFileError(
        f"{text}: does not exist, and is not the name of a run",
        f"a .keras file, a run folder, or the name of a run in {runs}{os.sep}",
        _suggestion(text, folders),
    )


def _is_other_folder(path: Path) -> bool:
    """Whether a path is a folder without anything of a run, such as the pictures that a run of its name trained on."""
    return os.path.isdir(path) and not any(  # noqa: PTH112  # Path.is_dir raises for a path without permission
        os.path.exists(path / name)  # noqa: PTH110
        for name in (_RECORD, _MODEL, _REPORT)
    )


def _by_name(text: str, folders: list[Path], holding: str, runs: Path) -> Path | None:
    """The run of a name, or a file in it; None if there is none. Raises ModelFileError if there are several."""
    if os.path.exists(runs / text):  # noqa: PTH110  # as above
        return runs / text
    if text == LAST:
        return _newest(folders, holding, runs)
    same = [folder for folder in folders if folder.name == text]
    if len(same) > 1:
        listed = ", ".join(map(str, same[:LISTED]))
        raise ModelFileError(f"{text}: is the name of {len(same)} runs", "the path of one of them", f"name {listed}")
    return same[0] if same else None


def is_run(path: Path) -> bool:
    """Whether a path is the folder of a run."""
    return os.path.isfile(path / _RECORD)  # noqa: PTH113  # Path.is_file raises for a path without permission


def run_folders(runs: Path) -> list[Path]:
    """The folders of all runs at any depth below `runs`, in name order."""
    found = []
    for folder, names, files in os.walk(runs):
        names.sort()
        if _RECORD in files:
            found.append(Path(folder))
            names.clear()  # its folds and checkpoints are part of it
    return found


def _newest(folders: list[Path], holding: str, runs: Path) -> Path:
    """The run whose file `holding` is the newest. Raises ModelFileError if no run has that file."""
    times = []
    for folder in folders:
        try:
            times.append(((folder / holding).stat().st_mtime_ns, folder))
        except OSError:  # this run has none
            continue
    if not times:
        raise ModelFileError(
            f"{LAST}: no run in {runs}{os.sep} has a {holding}", "a finished run", "train one: tellapart train DATA"
        )
    return max(times)[1]


def _suggestion(text: str, folders: list[Path]) -> str:
    """The names of the runs that are most similar to `text`."""
    names = sorted({folder.name for folder in folders})
    if not names:
        return ""
    close = difflib.get_close_matches(text, names, n=LISTED, cutoff=0.5)
    close += [name for name in names if text.lower() in name.lower() and name not in close][: LISTED - len(close)]
    others = len(names) - len(close)
    if close:
        more = f" ('tellapart runs' lists {others:,} more)" if others else ""
        return f"did you mean {' or '.join(close)}?{more}"
    more = f" and {others - LISTED:,} more" if others > LISTED else ""
    return f"the runs are {', '.join(names[-LISTED:])}{more}"


@dataclass(frozen=True)
class RunState:
    """What run.json says about a run, as far as it can be read.

    `state` is done, running, interrupted, failed or damaged, `reason` why it is not done. `split` is the split that
    `accuracy` and its 95 % interval were measured on. Times are ISO 8601 in UTC.
    """

    path: Path
    state: str
    reason: str = ""
    resumable: bool = False
    epochs: int | None = None
    data: str | None = None
    recipe: str | None = None
    split: str | None = None
    accuracy: float | None = None
    interval: tuple[float, float] | None = None
    started: str | None = None
    finished: str | None = None

    @property
    def progress(self) -> str:
        """How many epochs are done, as an addition to the state; empty if not known or not of interest."""
        unfinished = self.state in ("interrupted", "failed", "running")
        return f", {counted(self.epochs, 'epoch')} done" if unfinished and self.epochs is not None else ""

    @property
    def advice(self) -> str:
        """What to do about a run that is not done; may be empty."""
        if self.state not in ("interrupted", "failed") or not self.resumable:
            return ""
        from tellapart.training.run_folder import resume_command

        return resume_command(self.path)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "run": str(self.path),
            "name": self.path.name,
            "state": self.state,
            "reason": self.reason or None,
            "resume": f"tellapart train --resume {quoted(str(self.path))}" if self.advice else None,
            "data": self.data,
            "recipe": self.recipe,
            "split": self.split,
            "accuracy": self.accuracy,
            "accuracy_interval": None if self.interval is None else list(self.interval),
            "started": self.started,
            "finished": self.finished,
        }


def read_run(folder: Path) -> RunState:
    """What is known of a run. A run.json that is missing or damaged gives the state `damaged` with the reason."""
    from tellapart.training.run_folder import RunFolder

    try:
        record = RunFolder(folder).read()
    except UsageError as error:
        return RunState(folder, "damaged", error.given)
    state, reason = _state(RunFolder(folder), record)
    return RunState(
        folder,
        state,
        reason,
        resumable=bool(record.get("resumable", True)),
        epochs=RunFolder(folder).epochs(),
        data=_data(record),
        recipe=_text(_mapping(record.get("recipe")).get("name")),
        started=_text(record.get("started")),
        finished=_text(record.get("finished")),
        **_measured(record),
    )


def _state(folder: Any, record: Mapping[str, Any]) -> tuple[str, str]:
    """The state of a run, and the reason if it failed."""
    status = record["status"]
    if status == "done":
        return "done", ""
    if folder.busy():
        return "running", ""
    if status != "failed":  # stopped on request, or killed before it could write that
        return "interrupted", ""
    reason = _mapping(record.get("reason"))
    return "failed", str(reason.get("given") or reason.get("error") or "for a reason that is not known")


def _measured(record: Mapping[str, Any]) -> dict[str, Any]:
    """The accuracy with its interval, on the split that says most about new pictures; empty if there is none."""
    results = _mapping(record.get("results"))
    for split in _SPLITS:
        values = _mapping(results.get(split))
        accuracy, interval = values.get("accuracy"), values.get("accuracy_interval")
        if isinstance(accuracy, (int, float)) and isinstance(interval, list) and len(interval) == 2:
            return {"split": split, "accuracy": float(accuracy), "interval": (float(interval[0]), float(interval[1]))}
    return {}


def _data(record: Mapping[str, Any]) -> str | None:
    """The name of the data: of a data set, or the last part of a path."""
    data = _mapping(record.get("data"))
    return _text(data.get("name")) or _text(data.get("source"))


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None


__all__ = ["LAST", "RUNS", "RunState", "find_model", "find_run", "is_run", "load_model", "read_run", "run_folders"]

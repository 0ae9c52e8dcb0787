"""Train a classifier on labelled pictures: split, train, select on validation, evaluate once, save one model file."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.cancel import Cancellation
from tellapart.errors import CheckpointError, Stopped, TellapartError, UsageError
from tellapart.progress import Listener, Note
from tellapart.verbs._interrupted import FOLDS, Interrupted, find_interrupted
from tellapart.verbs._planning import Pictures, decide, recipe_for, restore
from tellapart.verbs._report import Finished, write_report
from tellapart.verbs._results import (
    OutOfFold,
    main_evaluation,
    measure,
    report_skipped,
    save_model,
    to_classifier,
)
from tellapart.verbs._train_options import Options, check_options

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Skipped
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.images.views import Views
    from tellapart.plots.learning import LearningCurves
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.budget import Budget
    from tellapart.training.plan import Plan
    from tellapart.training.run_folder import RunFolder
    from tellapart.training.session import Session
    from tellapart.training.train import Trained

LEAST_BYTES = 32 * 2**20
"""The smallest training writes this much: a model file and its replacement, three checkpoints, a report."""


@dataclass(frozen=True, eq=False)
class Run:
    """The result of a training.

    `path` is its folder, `model` the classifier, `history` has a row an epoch, and `evaluations` one evaluation per
    split that was held out: test, test_one_view, validation, cross_validation.
    """

    path: Path
    model: Classifier
    history: list[dict[str, float]]
    best_epoch: int
    evaluations: dict[str, Evaluation]
    train_seconds: float
    skipped: tuple[Skipped, ...]

    @property
    def model_path(self) -> Path:
        """The path of the model file."""
        return self.path / "model.keras"

    def main(self) -> Evaluation | None:
        """The evaluation that says most about new pictures: on the test split if there is one."""
        return main_evaluation(self.evaluations)

    def curves(self) -> LearningCurves:
        """The learning curves."""
        from tellapart.plots.learning import LearningCurves

        return LearningCurves(self.history, self.best_epoch)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        results: dict[str, Any] = {name: evaluation.summary() for name, evaluation in self.evaluations.items()}
        results |= {
            "train_seconds": round(self.train_seconds, 3),
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "skipped": [item.to_dict() for item in self.skipped],
        }
        return {"run": str(self.path), "model": str(self.model_path), "results": results}

    def __str__(self) -> str:
        lines = [evaluation.headline() for evaluation in self.evaluations.values()]
        main = self.main()
        if main:
            lines += [main.baseline(), main.confidence(), *main.notes()]
        lines.append(f"trained {self.train_seconds:.1f} s, {len(self.history)} epochs, kept epoch {self.best_epoch}")
        files = [f"run: {self.path}", f"model: {self.model_path}", f"report: {self.path / 'report.html'}"]
        return "\n".join([*lines, *files])

    def __repr__(self) -> str:
        return f"<Run {self.path}>"

    def _repr_html_(self) -> str:
        from html import escape

        shown = "".join(evaluation._repr_html_() for evaluation in self.evaluations.values())
        return f"{shown}<p>{escape(str(self.path))}</p>"


def run(options: Options, on_event: Listener, cancellation: Cancellation | None = None) -> Run:
    """Train. Returns the Run; raises a TellapartError, and leaves no run folder, if the input is wrong.

    `cancellation` stops it from another thread: like Ctrl-C, it raises Stopped, and the run can be resumed.
    """
    from tellapart.training.session import Session

    started = time.monotonic()
    cancellation = cancellation or Cancellation()
    on_event = cancellation.listener(on_event)
    interrupted = find_interrupted(options, on_event)
    check_options(interrupted.options if interrupted else options)
    with _resumed(interrupted, on_event) if interrupted else _started(options, on_event) as (plan, pictures, folder):
        around = Session(folder.path, on_event, _budget(plan, pictures, started), options.save_every, cancellation)
        with _kept_if_it_got_anywhere(folder):
            folder.write(plan.to_record() | {"status": "running"})
            out_of_fold = _cross_validated(plan, pictures, around)
            trained = _trained(plan, pictures, around)
            return _finished(plan, pictures, trained, out_of_fold, around)


@contextmanager
def _started(options: Options, on_event: Listener) -> Iterator[tuple[Plan, Pictures, RunFolder]]:
    """Decide a new run and lock its folder."""
    from tellapart.training.run_folder import CLASSES, SPLIT, RunFolder

    _check_disk(options.runs)
    plan, pictures = decide(options, on_event)
    folder = RunFolder.create(options.runs, pictures.collection.name, plan.recipe.name)
    try:
        pictures.split_table.save(folder.path / SPLIT, pictures.collection)
        (folder.path / CLASSES).write_text("\n".join(plan.class_names) + "\n", encoding="utf-8")
        folder.write(plan.to_record() | {"status": "running"})
    except BaseException:
        folder.remove()
        raise
    with folder.locked():
        yield plan, pictures, folder


@contextmanager
def _resumed(interrupted: Interrupted, on_event: Listener) -> Iterator[tuple[Plan, Pictures, RunFolder]]:
    """Lock the folder of an interrupted run and read back its plan."""
    folder = interrupted.folder
    _check_disk(folder.path)
    with folder.locked():
        interrupted = interrupted.check_again()
        interrupted.announce(on_event)
        plan, pictures = restore(interrupted, on_event)
        yield plan, pictures, folder


def _check_disk(folder: Path) -> None:
    """Raise UsageError if the disk has no room even for the smallest training, before anything takes time."""
    from tellapart.training.run_folder import ROOM, lacking

    if (free := lacking(folder, LEAST_BYTES)) is not None:
        raise UsageError(f"{folder}: a training writes at least {LEAST_BYTES:,} bytes, and {free:,} are free", *ROOM)


def _budget(plan: Plan, pictures: Pictures, started: float) -> Budget | None:
    """The time budget of the run, if it has one."""
    if plan.minutes is None:
        return None
    from tellapart.networks import backend
    from tellapart.training.budget import Budget
    from tellapart.training.machine import processor

    evaluated = views_after_training(pictures.split_table.counts(), plan.recipe.views)
    key = f"{processor()}, {backend.place()}, {plan.recipe.name} {plan.preprocessing.shape}, {evaluated} views"
    return Budget(plan.minutes * 60, started, key, evaluated)


def views_after_training(counts: dict[str, int], views: Views) -> int:
    """The number of views that are computed after training, to evaluate and to fit the OOD detector."""
    from tellapart.classifier.ood import HELD_OUT, PICTURES
    from tellapart.images.views import count_views

    one_view = counts["test"] if views != "none" else 0
    ood = min(PICTURES, counts["train"]) + min(HELD_OUT, counts["validation"] or counts["train"])
    return (counts["validation"] + counts["test"]) * count_views(views) + one_view + ood


def _cross_validated(plan: Plan, pictures: Pictures, session: Session) -> OutOfFold | None:
    """Out-of-fold probabilities for the training pictures, if cross-validation was asked for."""
    from tellapart.evaluation.cross_validation import CrossValidation

    if pictures.fold is None:
        return None
    session.on_event(Note(f"cross-validation: {plan.folds} models, each evaluated on its held-out fold"))
    folds = CrossValidation(
        plan,
        lambda train: recipe_for(pictures.found, train, plan.preprocessing, plan.class_names)[0],
        replace(session, folder=session.folder / FOLDS, budget=None),
        resumable=True,
    )
    return OutOfFold(folds.predict(pictures.of("train"), pictures.fold), pictures.fold)


def _trained(plan: Plan, pictures: Pictures, session: Session) -> Trained:
    """The trained network. A batch that had to be made smaller for lack of memory goes into run.json at once."""
    from tellapart.training.run_folder import RunFolder
    from tellapart.training.shortage import yield_memory
    from tellapart.training.train import train_within_memory

    def changed(recipe: Recipe) -> None:
        RunFolder(session.folder).write(plan.with_recipe(recipe).to_record() | {"status": "running"})

    yield_memory()
    return train_within_memory(plan, pictures.of("train"), pictures.validation(), session, changed)


def _finished(plan: Plan, pictures: Pictures, trained: Trained, out_of_fold: OutOfFold | None, session: Session) -> Run:
    """Calibrate, evaluate, and write the model, the report and run.json."""
    from tellapart.training.machine import now
    from tellapart.training.run_folder import RunFolder

    folder, on_event = RunFolder(session.folder), session.on_event
    plan = plan.with_recipe(trained.recipe)
    classifier = to_classifier(plan, pictures, trained)
    save_model(folder, classifier)  # before anything else: whatever happens now, the model is kept
    evaluations = measure(classifier, pictures, out_of_fold, plan.max_error_rate, on_event)
    history, skipped = trained.history, pictures.data.skipped
    result = Run(folder.path, classifier, history, trained.best_epoch, evaluations, trained.seconds, skipped)
    outcome = result.to_dict()
    save_model(folder, classifier, outcome["results"])
    full = {name: evaluation.to_dict() for name, evaluation in evaluations.items()}
    record = plan.to_record() | {"status": "done", "finished": now()} | outcome | {"evaluation": full}
    write_report(folder, Finished(record, pictures, trained, classifier, main_evaluation(evaluations)), on_event)
    folder.write(record)
    report_skipped(pictures, on_event)
    folder.remove_checkpoints(FOLDS)
    late = session.budget.all_ended(trained.seconds) if session.budget is not None else None
    if late:
        on_event(Note(late, warning=True))
    return result


@contextmanager
def _kept_if_it_got_anywhere(folder: RunFolder) -> Iterator[None]:
    """If the training fails, keep the folder and write the reason into run.json; remove a folder without checkpoints.

    Ctrl-C outside the training steps becomes Stopped, which says how to resume.
    """
    from tellapart.training.run_folder import resume_command

    try:
        yield
    except BaseException as error:
        kept = _keep(folder, error)
        if kept and isinstance(error, KeyboardInterrupt):  # within the training steps it is a Stopped already
            saved = "the model is" if folder.model.is_file() else "everything up to here is"
            given = f"{folder.path}: stopped before everything was measured and written"
            raise Stopped(given, f"{saved} saved", resume_command(folder.path)) from error
        raise


def _keep(folder: RunFolder, error: BaseException) -> bool:
    """Write what ended a training into its run.json and return True; remove a folder with nothing to resume from."""
    from tellapart.training.checkpoints import FOLDER
    from tellapart.training.run_folder import HISTORY, resume_command

    patterns = ("*.npz", f"*/{HISTORY}", f"*/{FOLDER}")
    folds = (path for pattern in patterns for path in (folder.path / FOLDS).glob(pattern))
    if not any((folder.path / name).exists() for name in (HISTORY, FOLDER)) and not any(folds):
        folder.remove()
        return False
    if isinstance(error, Stopped):  # within a fold it names the fold's folder, which cannot be resumed
        error.action = resume_command(folder.path)
    reason = error.to_dict() if isinstance(error, TellapartError) else {"error": type(error).__name__}
    resumable = error.resumable if isinstance(error, TellapartError) else True
    model = {"model": str(folder.model)} if folder.model.exists() else {}
    status = "stopped" if isinstance(error, (Stopped, KeyboardInterrupt)) else "failed"
    with contextlib.suppress(CheckpointError, UsageError):  # a full disk, which is what ended the training
        folder.write(folder.read() | {"status": status, "reason": reason, "resumable": resumable} | model)
    return True

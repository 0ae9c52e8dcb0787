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
from tellapart.notebook import Page
from tellapart.progress import Listener, Note
from tellapart.text import counted, quoted
from tellapart.verbs._config import with_config
from tellapart.verbs._interrupted import FOLDS, Interrupted, find_interrupted
from tellapart.verbs._notes import Notes
from tellapart.verbs._planning import decide, recipe_for, restore
from tellapart.verbs._report import Finished, write_report
from tellapart.verbs._results import (
    OutOfFold,
    main_evaluation,
    measure,
    report_skipped,
    save_model,
    to_classifier,
)
from tellapart.verbs._run_pictures import Pictures
from tellapart.verbs._train_options import Options, check_options

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Skipped
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.evaluation.mistake import Mistake
    from tellapart.images.views import Views
    from tellapart.plots.confusion import ConfusionMatrix
    from tellapart.plots.learning import LearningCurves
    from tellapart.recipes.recipe import Recipe
    from tellapart.training.budget import Budget
    from tellapart.training.plan import Plan
    from tellapart.training.run_folder import RunFolder
    from tellapart.training.session import Session
    from tellapart.training.trained import Trained

CAVEATS = 2
"""Notes about the result that are printed; --verbose prints all."""

NEXT = 2
"""Pieces of advice that are printed; the report has all."""

LEAST_BYTES = 32 * 2**20
"""The smallest training writes this much: a model file and its replacement, three checkpoints, a report."""


@dataclass(frozen=True, eq=False)
class Run:
    """The result of a training.

    `path` is its folder, `model` the classifier, `history` has a row an epoch, and `evaluations` one evaluation per
    split that was held out: test, test_one_view, validation, cross_validation. `next_steps` are up to three sentences
    on what to do next. `inferred` are lines on how the data was read, `data_notes` those on what is odd in it.
    """

    path: Path
    model: Classifier
    history: list[dict[str, float]]
    best_epoch: int
    evaluations: dict[str, Evaluation]
    train_seconds: float
    skipped: tuple[Skipped, ...]
    next_steps: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()
    data_notes: tuple[str, ...] = ()

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
        return {
            "run": str(self.path),
            "model": str(self.model_path),
            "results": results,
            "inferred": list(self.inferred),
            "notes": list(self.data_notes),
        }

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names in label order."""
        return self.model.class_names

    def __str__(self) -> str:
        main, lines = self.main(), []
        if main:
            weakest = [] if self.next_steps else [main.weakest_class()]
            lines += [main.in_words(), main.best_baseline(), *weakest, *main.notes()[:CAVEATS]]
        lines.append(self._training())
        lines += [f"next: {step}" for step in self.next_steps[:NEXT]]
        lines.append(f"predict: tellapart predict {quoted(str(self.path))} PICTURE")
        lines.append(f"report: {self.path / 'report.html'}")
        return "\n".join(line for line in lines if line)

    def details(self) -> str:
        """All metrics of all evaluations as text."""
        lines = [str(self), "", f"run: {self.path}", f"model: {self.model_path}"]
        lines += [line for one in self.evaluations.values() for line in (one.headline(), one.confidence())]
        main = self.main()
        return "\n".join([*lines, "", str(main)] if main else lines)

    def _training(self) -> str:
        """How long it was trained, and which epoch was kept."""
        if self.model.head is not None:
            return f"fitted in {self.train_seconds:.1f} s to the features of the pretrained backbone"
        epochs = counted(len(self.history), "epoch")
        if not self.best_epoch:
            return (
                f"trained in {self.train_seconds:.1f} s, {epochs}; kept the head on the frozen backbone, which is "
                "better on validation"
            )
        grown = any(row.get("size", 1) < 1 for row in self.history)
        best = ", the best of the epochs at full size" if grown else ", the best on validation"
        chosen = best if "val_accuracy" in self.history[0] else ""
        return f"trained in {self.train_seconds:.1f} s, {epochs}; kept epoch {self.best_epoch}{chosen}"

    def __repr__(self) -> str:
        return f"<Run {self.path}>"

    def _repr_html_(self) -> str:
        from html import escape

        lines = str(self).splitlines()
        rest = "".join(f"<div>{escape(line)}</div>" for line in lines[1:])
        return f"<div><b>{escape(lines[0])}</b>{rest}</div>"

    def confusion_matrix(self) -> ConfusionMatrix:
        """The confusion matrix of the main evaluation. Raises UsageError if nothing was evaluated."""
        return self._evaluated().confusion_matrix()

    def mistakes(self, count: int | None = None) -> list[Mistake]:
        """The misclassified pictures of the main evaluation, the most confident predictions first.

        Raises UsageError if nothing was evaluated.
        """
        return self._evaluated().mistakes(count)

    def report(self, height: int = 800) -> Page:
        """The report, which a notebook shows in a frame of `height` pixels."""
        return Page(self.path / "report.html", height)

    def _evaluated(self) -> Evaluation:
        evaluation = self.main()
        if evaluation is None:
            raise UsageError(f"{self.path}: nothing was evaluated", "a run with a test or validation split", "")
        return evaluation


def run(options: Options, on_event: Listener, cancellation: Cancellation | None = None) -> Run:
    """Train. Returns the Run; raises a TellapartError, and leaves no run folder, if the input is wrong.

    `cancellation` stops it from another thread: like Ctrl-C, it raises Stopped, and the run can be resumed.
    """
    from tellapart.training.session import Session

    started = time.monotonic()
    cancellation = cancellation or Cancellation()
    notes = Notes(cancellation.listener(on_event))
    options = with_config(options)
    interrupted = find_interrupted(options, notes)
    asked = interrupted.options if interrupted else options
    check_options(asked)
    _use_device(asked)
    with _resumed(interrupted, notes) if interrupted else _started(options, notes) as (plan, pictures, folder):
        budget = _budget(plan, pictures, started)
        with _kept_if_it_got_anywhere(folder), notes.kept_in(folder), _events(asked, folder, notes) as listener:
            around = Session(folder.path, listener, budget, options.save_every, cancellation)
            folder.write(plan.to_record() | {"status": "running"} | notes.record())
            out_of_fold = _cross_validated(plan, pictures, around)
            trained = _trained(plan, pictures, around)
            return _finished(plan, pictures, trained, out_of_fold, around)


def _use_device(options: Options) -> None:
    """Choose where to compute. Raises UsageError if there is no such device."""
    if options.device != "auto":
        from tellapart.networks.backend import use_device

        use_device(options.device)


@contextmanager
def _events(options: Options, folder: RunFolder, on_event: Listener) -> Iterator[Listener]:
    """A listener that also writes event files for TensorBoard, if they were asked for."""
    if not options.tensorboard:
        yield on_event
        return
    from tellapart.report.tensorboard import FOLDER, EventFiles
    from tellapart.training.run_folder import CONFUSION, CONFUSION_NORMALIZED, CURVES, MISTAKES

    files = EventFiles(folder.path / FOLDER, on_event)
    try:
        yield files
    finally:
        files.close(folder.path / name for name in (CURVES, CONFUSION, CONFUSION_NORMALIZED, MISTAKES))


@contextmanager
def _started(options: Options, on_event: Listener) -> Iterator[tuple[Plan, Pictures, RunFolder]]:
    """Decide a new run and lock its folder."""
    from tellapart.training.run_folder import CLASSES, SPLIT, RunFolder

    _check_disk(options.runs)
    plan, pictures = decide(options, on_event)
    folder = RunFolder.create(options.runs, pictures.collection.name, plan.recipe.name, options.name)
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
    if plan.minutes is None or plan.recipe.frozen:
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
    """Out-of-fold probabilities for the training pictures, if they have folds."""
    if pictures.fold is None:
        return None
    if plan.recipe.frozen:
        from tellapart.training.probe import cross_validated

        return OutOfFold(cross_validated(plan, pictures.of("train"), pictures.fold, session), pictures.fold)
    from tellapart.evaluation.cross_validation import CrossValidation

    session.on_event(Note(f"cross-validation: {plan.folds} models, each evaluated on its held-out fold"))
    folds = CrossValidation(
        plan,
        lambda train: recipe_for(pictures, train, plan.preprocessing)[0],
        replace(session, folder=session.folder / FOLDS, budget=None),
        resumable=True,
    )
    return OutOfFold(folds.predict(pictures.of("train"), pictures.fold), pictures.fold)


def _trained(plan: Plan, pictures: Pictures, session: Session) -> Trained:
    """The trained network. A batch that had to be made smaller for lack of memory goes into run.json at once."""
    if plan.recipe.frozen:
        from tellapart.training.probe import train_probe

        return train_probe(plan, pictures.of("train"), pictures.validation(), session, pictures.probe)
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
    evaluations = measure(classifier, pictures, trained, out_of_fold, plan.max_error_rate, on_event)
    history, skipped = trained.history, pictures.data.skipped
    result = Run(folder.path, classifier, history, trained.best_epoch, evaluations, trained.seconds, skipped)
    read = pictures.collection
    result = replace(result, inferred=read.inferred, data_notes=read.notes)
    outcome = result.to_dict()
    save_model(folder, classifier, outcome["results"])
    full = {name: evaluation.to_dict() for name, evaluation in evaluations.items()}
    record = plan.to_record() | {"status": "done", "finished": now()} | outcome | {"evaluation": full}
    finished = Finished(record, pictures, trained, classifier, main_evaluation(evaluations))
    result = replace(result, next_steps=write_report(folder, finished, on_event))
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

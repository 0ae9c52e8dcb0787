"""What comes after a training: calibration, the evaluations, the model file, the run's record, curves and report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.data.collection import Collection, Skipped
    from tellapart.data.feeding import Prepared
    from tellapart.data.split_table import SplitTable
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.images.preprocessing import Preparation
    from tellapart.plots.learning import LearningCurves
    from tellapart.report.page import ShownMistake
    from tellapart.training.run import RunFolder
    from tellapart.training.train import Trained

MISTAKES = 12
"""So many of the most confident mistakes are shown in the report."""


@dataclass(frozen=True, eq=False)
class Answers:
    """Of a cross-validation: probabilities float [n, classes] for the training pictures, and the fold [n] of each."""

    probabilities: np.ndarray
    fold: np.ndarray

    def accuracies(self, labels: np.ndarray) -> tuple[float, ...]:
        """Of each fold's model, on the pictures that it had not seen."""
        right = self.probabilities.argmax(axis=1) == labels
        return tuple(float(right[self.fold == k].mean()) for k in range(self.fold.max() + 1))


@dataclass(frozen=True, eq=False)
class Job:
    """What is trained on: the collection, its split, all its pictures prepared, and what its answers should keep to."""

    collection: Collection
    split_table: SplitTable
    data: Prepared
    preprocessing: Preparation
    max_error_rate: float | None
    answers: Answers | None = None

    def split(self, split: str) -> Prepared:
        """The pictures of a part."""
        return self.data.split(self.split_table.indices(split))


@dataclass(frozen=True, eq=False)
class Run:
    """What a training gave: its folder, the classifier, the history, and the evaluations by part."""

    path: Path
    classifier: Classifier
    history: list[dict[str, float]]
    best_epoch: int
    evaluations: dict[str, Evaluation]
    train_seconds: float
    skipped: tuple[Skipped, ...]

    @property
    def model(self) -> Path:
        """The model file."""
        return self.path / "model.keras"

    def main(self) -> Evaluation | None:
        """The evaluation that says most of new pictures: of the test split where there is one."""
        for split in ("test", "cross_validation", "validation"):
            if split in self.evaluations:
                return self.evaluations[split]
        return None

    def curves(self) -> LearningCurves:
        """The learning curves."""
        from tellapart.plots.learning import LearningCurves

        return LearningCurves(self.history, self.best_epoch)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        results: dict[str, Any] = {split: found.summary() for split, found in self.evaluations.items()}
        results |= {
            "train_seconds": round(self.train_seconds, 3),
            "epochs": len(self.history),
            "best_epoch": self.best_epoch,
            "skipped": [item.to_dict() for item in self.skipped],
        }
        return {"run": str(self.path), "model": str(self.model), "results": results}

    def __str__(self) -> str:
        lines = [found.headline() for found in self.evaluations.values()]
        main = self.main()
        if main:
            lines += [main.baseline(), main.confidence(), *main.notes()]
        lines.append(f"trained {self.train_seconds:.1f} s, {len(self.history)} epochs, kept epoch {self.best_epoch}")
        return "\n".join([*lines, f"run: {self.path}", f"model: {self.model}", f"report: {self.path / 'report.html'}"])

    def __repr__(self) -> str:
        return f"<Run {self.path}>"

    def _repr_html_(self) -> str:
        from html import escape

        return "".join(found._repr_html_() for found in self.evaluations.values()) + f"<p>{escape(str(self.path))}</p>"


def finish(
    folder: RunFolder, record: dict[str, Any], on_event: Listener, job: Job, trained: Trained, classifier: Classifier
) -> Run:
    """Calibrate and evaluate a trained classifier, save it, write the run's record, curves and report."""
    from tellapart.training import run as folders

    evaluations = _measured(classifier, job, on_event)
    skipped = job.data.skipped
    result = Run(folder.path, classifier, trained.history, trained.best_epoch, evaluations, trained.seconds, skipped)
    metrics = result.to_dict()["results"]
    short = {name: value for name, value in metrics.items() if name != "skipped"}  # whose names are the run's
    classifier.record = classifier.record.model_copy(update={"metrics": short})
    classifier.save(folder.path / folders.MODEL)
    classifier.source = str(folder.path / folders.MODEL)
    with folders.written(folder.path / folders.CURVES):
        result.curves().save(folder.path / folders.CURVES)
    full = {split: found.to_dict() for split, found in evaluations.items()}
    record = record | {"status": "done", "finished": folders.now()} | result.to_dict() | {"evaluation": full}
    with folders.written(folder.path / "report.html"):
        _report(record, result, job, trained)
    folder.write(record)
    if skipped:
        first = "; ".join(f"{item.key} {item.reason}" for item in skipped[:3])
        on_event(
            Note(f"set aside: {counted(len(skipped), 'picture')} that cannot be read ({first}); all are in run.json")
        )
    return result


def _measured(classifier: Classifier, job: Job, on_event: Listener) -> dict[str, Evaluation]:
    """Calibrate a trained classifier, teach it what is ordinary, and evaluate it on what was held out, by part."""
    from tellapart.classifier.make import calibrate, fit_ood
    from tellapart.classifier.ood import ENOUGH
    from tellapart.evaluation.baselines import ShrunkenPixels
    from tellapart.evaluation.evaluate import evaluate_split, evaluation_of

    collection, counts, train = job.collection, job.split_table.counts(), job.split("train")
    validation = job.split("validation") if counts["validation"] else None
    rules = (ShrunkenPixels(train.pixels, train.labels),)
    evaluations: dict[str, Evaluation] = {}
    if job.answers is not None:
        name, raw = (
            "cross_validation",
            evaluation_of(classifier, collection, train, train.labels, "cross-validation", job.answers.probabilities),
        )
        raw = replace(raw, folds=job.answers.accuracies(train.labels))
    elif validation is not None:
        name, raw = (
            "validation",
            evaluate_split(classifier, collection, validation.indices, "validation", on_event, rules, validation),
        )
    else:
        raw = None
    if raw is not None:
        raw = raw.with_leaks(job.split_table.leaked)
        try:
            fair = ~raw.leaked if raw.leaked is not None and not raw.leaked.all() else slice(None)
            calibrate(classifier, raw.probabilities[fair], raw.labels[fair], job.max_error_rate)
        except UsageError as error:  # by now a training lies behind us: say it, and keep the model
            on_event(Note(f"note: {error.given}; it can promise {error.expected}; {error.action}"))
        evaluations[name] = raw.calibrated(classifier)
    fit_ood(classifier, train, not_leaked(validation, job.split_table))
    if classifier.ood_detector is not None and not classifier.ood_detector.decides:
        on_event(
            Note(
                f"note: out-of-distribution detection is off: it needs {ENOUGH} held-out pictures and has "
                f"{len(classifier.ood_detector)}; increase --validation"
            )
        )
    if counts["test"]:
        held = job.split("test")
        test = evaluate_split(classifier, collection, held.indices, "test", on_event, rules, held)
        evaluations = {"test": replace(test.with_leaks(job.split_table.leaked), looks=1)} | evaluations
        if classifier.views != "none":
            once, title = classifier.with_views("none"), "test, one view"
            one = evaluate_split(once, collection, held.indices, title, on_event, (), held)
            evaluations["test_one_view"] = replace(one, threshold=None)  # which was found for all views
    elif job.answers is None:
        on_event(Note("test: there is no test split, so no figure here is on pictures that took no part in choosing"))
    return evaluations


def not_leaked(validation: Prepared | None, split_table: SplitTable) -> Prepared | None:
    """The held-out pictures without those that training has too, as far as any are left."""
    import numpy as np

    if validation is None:
        return None
    fresh = np.flatnonzero(~np.isin(validation.indices, split_table.leaked))
    return validation.take(fresh) if 0 < len(fresh) < len(validation) else validation


def _report(record: dict[str, Any], result: Run, job: Job, trained: Trained) -> None:
    from tellapart.report.page import Facts, write_report

    names, train = result.classifier.class_names, job.split("train")
    firsts = [i for c in range(len(names)) for i in (train.labels == c).nonzero()[0][: max(1, 18 // len(names))]][:18]
    layers = [layer.model_dump() for layer in result.classifier.record.layers]
    labels = [names[train.labels[i]] for i in firsts]
    found = result.main()
    mistakes = _mistakes(found, result.classifier, job.data, trained) if found else []
    ood = result.classifier.ood_detector
    facts = Facts(
        record, result.history, layers, [train.pixels[i] for i in firsts], labels, found, mistakes,
        ood is not None and ood.decides,
    )  # fmt: skip
    write_report(facts, result.path)


def _mistakes(found: Evaluation, classifier: Classifier, data: Prepared, trained: Trained) -> list[ShownMistake]:
    """The most confident mistakes with their pictures, and with what spoke for the answers."""
    import numpy as np

    from tellapart.explanation.heat import HeatMaps, occlusion
    from tellapart.plots.pictures import overlay
    from tellapart.report.page import ShownMistake

    wrong = found.mistakes(MISTAKES)
    if not wrong:
        return []
    places = np.searchsorted(data.indices, [found.indices[item.position] for item in wrong])
    prepared = list(data.pixels[places])
    if found.folds:  # of other models than the saved one, which has learnt these pictures
        return [ShownMistake(item, picture, None) for item, picture in zip(wrong, prepared, strict=True)]
    pictures = np.stack(prepared)
    answers = np.array([found.class_names.index(item.predicted) for item in wrong])
    try:
        heats = HeatMaps(trained.network)(pictures, answers)
    except LookupError:  # no convolutions
        heats = np.stack([occlusion(classifier.probabilities, *one) for one in zip(prepared, answers, strict=True)])
    shown = zip(wrong, prepared, heats, strict=True)
    return [ShownMistake(item, picture, overlay(picture, heat)) for item, picture, heat in shown]

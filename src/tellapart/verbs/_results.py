"""The results of a training: calibration, evaluations and the model file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tellapart.errors import UsageError
from tellapart.progress import Listener, Note
from tellapart.text import counted

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.data.feeding import Prepared
    from tellapart.data.split_table import SplitTable
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.training.plan import Plan
    from tellapart.training.run_folder import RunFolder
    from tellapart.training.trained import Trained
    from tellapart.verbs._run_pictures import Pictures

SAMPLES = 256
"""At most this many pictures are used to compare a network with its ONNX copy."""


SAMPLES_OF_BACKBONE = 32
"""The same for a frozen backbone, which was compared when it was compiled."""


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """Cross-validation: probabilities float [n, classes] for the training pictures, and the fold int [n] of each."""

    probabilities: np.ndarray
    fold: np.ndarray

    def accuracies(self, labels: np.ndarray) -> tuple[float, ...]:
        """The accuracy of each fold's model on its held-out pictures."""
        right = self.probabilities.argmax(axis=1) == labels
        return tuple(float(right[self.fold == k].mean()) for k in range(self.fold.max() + 1))


def to_classifier(plan: Plan, pictures: Pictures, trained: Trained) -> Classifier:
    """The classifier of a trained network, uncalibrated. Raises ModelFileError if its ONNX copy answers differently."""
    import numpy as np

    from tellapart.classifier.make import ModelFacts, make_classifier
    from tellapart.data.feeding import batch_for
    from tellapart.pretrained.frozen import frozen_classifier

    samples = pictures.validation() or pictures.of("train")
    recipe = trained.recipe
    training = plan.with_recipe(recipe).for_model_file(pictures.collection, pictures.split_table)
    facts = ModelFacts(plan.class_names, plan.preprocessing, recipe.loss, recipe.views, training)
    if trained.head is not None:
        assert pictures.backbone is not None
        some = samples.take(np.arange(min(len(samples), SAMPLES_OF_BACKBONE)))
        return frozen_classifier(pictures.backbone, trained.head, facts, some)
    most = min(SAMPLES, batch_for(plan.preprocessing.shape))
    return make_classifier(trained.network, facts, samples.pixels[:most])


def measure(
    classifier: Classifier,
    pictures: Pictures,
    trained: Trained,
    out_of_fold: OutOfFold | None,
    max_error_rate: float | None,
    on_event: Listener,
) -> dict[str, Evaluation]:
    """Calibrate a classifier, fit its OOD detector, and evaluate it on what was held out: the evaluations by split."""
    from tellapart.classifier.make import fit_ood
    from tellapart.evaluation.baselines import FrozenFeatures, ShrunkenPixels

    train, leaked = pictures.of("train"), pictures.split_table.leaked
    rules: tuple[Any, ...] = (ShrunkenPixels(train, train.labels),)
    if trained.start is not None:
        rules = (FrozenFeatures(trained.start), *rules)
    evaluations: dict[str, Evaluation] = {}
    selection = _for_selection(classifier, pictures, out_of_fold, rules, on_event)
    if selection is not None:
        selection = selection.with_leaks(leaked)
        _calibrate(classifier, selection, max_error_rate, on_event)
        evaluations["cross_validation" if out_of_fold else "validation"] = selection.calibrated(classifier)
    fit_ood(classifier, train, without_leaks(pictures.validation(), pictures.split_table))
    _report_ood(classifier, on_event)
    if pictures.split_table.counts()["test"]:
        return _on_test(classifier, pictures, rules, on_event, evaluations)
    if out_of_fold is None:
        on_event(
            Note(
                "no test split: all metrics below come from pictures that were also used to select the model",
                warning=True,
            )
        )
    return evaluations


def _for_selection(
    classifier: Classifier,
    pictures: Pictures,
    out_of_fold: OutOfFold | None,
    rules: tuple[Any, ...],
    on_event: Listener,
) -> Evaluation | None:
    """The evaluation by which the model is selected and calibrated; None without validation and folds."""
    from tellapart.evaluation.evaluate import evaluate_split, evaluation_of

    collection, train, validation = pictures.collection, pictures.of("train"), pictures.validation()
    if out_of_fold is not None:
        answers = out_of_fold.probabilities
        evaluation = evaluation_of(classifier, collection, train, train.labels, "cross-validation", answers)
        return replace(evaluation, folds=out_of_fold.accuracies(train.labels))
    if validation is None:
        return None
    return evaluate_split(classifier, collection, validation.indices, "validation", on_event, rules, validation)


def _calibrate(
    classifier: Classifier, evaluation: Evaluation, max_error_rate: float | None, on_event: Listener
) -> None:
    """Calibrate on the pictures of an evaluation that training has not seen, if there are any."""
    from tellapart.classifier.make import calibrate

    leaked = evaluation.leaked
    fair = ~leaked if leaked is not None and not leaked.all() else slice(None)
    try:
        calibrate(classifier, evaluation.probabilities[fair], evaluation.labels[fair], max_error_rate)
    except UsageError as error:  # the training is done by now: report it, and keep the model
        advice = f"; {error.action}" if error.action else ""
        on_event(Note(f"note: {error.given}; possible: {error.expected}{advice}", warning=True))


def _report_ood(classifier: Classifier, on_event: Listener) -> None:
    from tellapart.classifier.ood import ENOUGH

    detector = classifier.ood_detector
    if detector is not None and not detector.decides:
        on_event(
            Note(
                f"note: out-of-distribution detection is off: it needs {ENOUGH} held-out pictures and has "
                f"{len(detector)}; add pictures, or increase --validation",
                warning=True,
            )
        )


def _on_test(
    classifier: Classifier,
    pictures: Pictures,
    rules: tuple[Any, ...],
    on_event: Listener,
    others: dict[str, Evaluation],
) -> dict[str, Evaluation]:
    """Evaluations on the test split, first of all, and with one view if prediction averages several."""
    from tellapart.evaluation.evaluate import evaluate_split

    collection, held_out, leaked = pictures.collection, pictures.of("test"), pictures.split_table.leaked
    test = evaluate_split(classifier, collection, held_out.indices, "test", on_event, rules, held_out)
    evaluations = {"test": replace(test.with_leaks(leaked), test_evaluations=1)} | others
    if classifier.views != "none":
        once, title = classifier.with_views("none"), "test, one view"
        one_view = evaluate_split(once, collection, held_out.indices, title, on_event, (), held_out)
        evaluations["test_one_view"] = replace(one_view, threshold=None)  # which belongs to all views
    return evaluations


def without_leaks(validation: Prepared | None, split_table: SplitTable) -> Prepared | None:
    """The validation pictures without duplicates of training pictures; all of them if nothing else is left."""
    import numpy as np

    if validation is None:
        return None
    unseen = np.flatnonzero(~np.isin(validation.indices, split_table.leaked))
    return validation.take(unseen) if 0 < len(unseen) < len(validation) else validation


def main_evaluation(evaluations: dict[str, Evaluation]) -> Evaluation | None:
    """The evaluation that says most about new pictures: on the test split if there is one."""
    names = ("test", "cross_validation", "validation")
    return next((evaluations[name] for name in names if name in evaluations), None)


def save_model(folder: RunFolder, classifier: Classifier, metrics: dict[str, Any] | None = None) -> None:
    """Write the model file, with headline metrics if they are known."""
    if metrics is not None:
        short = {name: value for name, value in metrics.items() if name != "skipped"}  # file names stay in the run
        classifier.record = classifier.record.model_copy(update={"metrics": short})
    classifier.save(folder.model)
    classifier.source = str(folder.model)


def report_skipped(pictures: Pictures, on_event: Listener) -> None:
    """Name the pictures that could not be read, if there are any."""
    skipped = pictures.data.skipped
    if skipped:
        first = "; ".join(f"{item.key} {item.reason}" for item in skipped[:3])
        on_event(
            Note(
                f"skipped: {counted(len(skipped), 'picture')} that cannot be read ({first}); all are in run.json",
                warning=True,
            )
        )

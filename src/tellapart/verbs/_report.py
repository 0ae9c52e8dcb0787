"""The pages and drawings of a finished run: the report with pictures from the data, the model card, PNG files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tellapart.errors import TellapartError
from tellapart.progress import Listener, Note

if TYPE_CHECKING:
    import numpy as np

    from tellapart.classifier.classifier import Classifier
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.plots.plot import Plot
    from tellapart.report.facts import Facts, Findings, ShownDuplicates, ShownMistake, ShownPair
    from tellapart.training.run_folder import RunFolder
    from tellapart.training.trained import Trained
    from tellapart.verbs._run_pictures import Pictures

MISTAKES = 12
"""The report shows this many of the most confident mistakes."""

DRAWN_MISTAKES = 25
"""Mistakes in mistakes.png."""

SAMPLES = 20
"""Training pictures that the report shows, at most, and classes of which it shows one each."""

PAIRS, OF_PAIR = 24, 3
"""Confused pairs of classes of which the report shows pictures, and their number for each."""

LISTED_PAIRS, KEYS = 60, 5
"""Confused pairs that are listed if there are too many classes for a cell each, and file names for each pair."""

CONFLICTS, COPIES = 6, 6
"""Groups of duplicates with different labels that are shown, and pictures of each."""

LARGE, MEDIUM, SMALL = 240, 160, 128
"""The longer side of a mistake, of a sample and of other pictures, as they are stored in the report, in pixels."""

AUGMENTED, EPOCHS = 6, 4
"""Pictures in augmented.png, and the epochs for which each is drawn."""


@dataclass(frozen=True, eq=False)
class Finished:
    """A finished training: what the report is made from."""

    record: dict[str, Any]
    pictures: Pictures
    trained: Trained
    classifier: Classifier
    evaluation: Evaluation | None

    def own(self, index: int, side: int) -> np.ndarray:
        """The user's picture at a position of the collection, upright, with a longer side of at most `side` pixels.

        Falls back on what the network sees if the file was removed or damaged in the meantime.
        """
        from tellapart.images.write import within

        try:
            return within(self.pictures.collection.read(index, (side, side)), side)
        except (TellapartError, OSError):
            return self.seen(index)

    def seen(self, index: int) -> np.ndarray:
        """The preprocessed picture at a position of the collection."""
        import numpy as np

        data = self.pictures.data
        return np.asarray(data.pixels[int(np.searchsorted(data.indices, index))])


def write_report(folder: RunFolder, finished: Finished, on_event: Listener) -> tuple[str, ...]:
    """Write the report and the model card, and draw curves, confusion matrix, mistakes and augmented pictures.

    Returns what to do next, a sentence each.

    Raises CheckpointError if the report or the curves cannot be written; the other drawings are only reported.
    """
    from tellapart.plots.learning import LearningCurves
    from tellapart.report.advice import advice
    from tellapart.report.report import write_report as write
    from tellapart.training.run_folder import CURVES, REPORT, written

    trained = finished.trained
    if trained.head is None:  # which has no course
        with written(folder.path / CURVES):
            LearningCurves(trained.history, trained.best_epoch).save(folder.path / CURVES)
    mistakes = _mistakes(finished)
    facts = _facts(finished, mistakes)
    with written(folder.path / REPORT):
        write(facts, folder.path)
    _draw(folder, finished, on_event)
    return tuple(step.what for step in advice(facts)) if facts.evaluation else ()


def _facts(finished: Finished, mistakes: Sequence[ShownMistake]) -> Facts:
    from tellapart.report.facts import Facts

    classifier, pictures = finished.classifier, finished.pictures
    detector, samples = classifier.ood_detector, _samples(finished)
    return Facts(
        record=finished.record,
        history=finished.trained.history,
        layers=[layer.model_dump() for layer in classifier.record.layers],
        pictures=[finished.own(i, MEDIUM) for i in samples],
        labels=[pictures.collection.label(i) for i in samples],
        evaluation=finished.evaluation,
        mistakes=mistakes,
        pairs=_pairs(finished),
        findings=_findings(finished),
        has_ood_detector=detector is not None and detector.decides,
    )


def _samples(finished: Finished) -> list[int]:
    """Positions of a few training pictures, the same number of each of the first classes."""
    import numpy as np

    data = finished.pictures.data
    train = np.isin(data.indices, finished.pictures.split_table.indices("train"))
    classes = len(finished.classifier.class_names)
    each = max(1, SAMPLES // classes)
    members = [data.indices[train & (data.labels == c)][:each] for c in range(min(classes, SAMPLES))]
    return [int(i) for i in np.concatenate(members)]


def _mistakes(finished: Finished) -> list[ShownMistake]:
    """The most confident mistakes with their pictures and heat maps."""
    import numpy as np

    from tellapart.explanation.overlaid import under_heat
    from tellapart.report.facts import ShownMistake

    evaluation = finished.evaluation
    mistakes = evaluation.mistakes(MISTAKES) if evaluation else []
    if evaluation is None or not mistakes:
        return []
    indices = [int(evaluation.indices[mistake.position]) for mistake in mistakes]
    seen = [finished.seen(i) for i in indices]
    maps: Sequence[np.ndarray | None] = [None] * len(mistakes)
    if not evaluation.folds:  # which are mistakes of other models, and the saved one has trained on these pictures
        answers = np.array([evaluation.class_names.index(mistake.predicted) for mistake in mistakes])
        maps = list(_heat(finished, np.stack(seen), answers))
    shown = []
    for mistake, index, pixels, values in zip(mistakes, indices, seen, maps, strict=True):
        own = finished.own(index, LARGE)
        heat = None if values is None else under_heat(own, values, finished.classifier.preprocessing, LARGE)
        shown.append(ShownMistake(mistake, own, None if own.shape == pixels.shape else pixels, heat))
    return shown


def _heat(finished: Finished, pixels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Heat maps float32 [n, height, width] from 0 to 1 for preprocessed pictures, each for its class."""
    import numpy as np

    try:
        if finished.trained.head is not None:
            return _heat_of_features(finished, pixels, answers)
        from tellapart.explanation.heat import HeatMaps

        return HeatMaps(finished.trained.network)(pixels, answers)
    except LookupError:  # no convolutions
        from tellapart.explanation.heat import occlusion

        predict = finished.classifier.probabilities
        return np.stack([occlusion(predict, *pair) for pair in zip(pixels, answers.tolist(), strict=True)])


def _heat_of_features(finished: Finished, pixels: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Heat maps of a frozen backbone, which need no Keras."""
    from tellapart.explanation.pooled import pooled_heat

    backbone, head = finished.pictures.backbone, finished.trained.head
    assert backbone is not None
    assert head is not None
    return pooled_heat(backbone.maps, head.kernel, pixels, answers)


def _pairs(finished: Finished) -> list[ShownPair]:
    """The confused pairs of classes: all of them if the matrix has a cell for each, else the most frequent ones."""
    from tellapart.evaluation.confusions import confusions
    from tellapart.plots.confusion import NUMBERED
    from tellapart.report.facts import ShownPair

    evaluation = finished.evaluation
    if evaluation is None:
        return []
    limit = None if len(evaluation.class_names) <= NUMBERED else LISTED_PAIRS
    shown = []
    for number, pair in enumerate(confusions(evaluation)[:limit]):
        first = evaluation.indices[pair.positions[:OF_PAIR]].tolist() if number < PAIRS else []
        keys = [evaluation.keys[i] for i in pair.positions[:KEYS].tolist()]
        shown.append(ShownPair(pair.true, pair.predicted, keys, [finished.own(i, SMALL) for i in first]))
    return shown


def _findings(finished: Finished) -> Findings:
    """What is known of the data: notes, and duplicates, of which those with different labels are shown."""
    from tellapart.report.facts import Findings

    collection, duplicates = finished.pictures.collection, finished.pictures.duplicates
    if duplicates is None:
        return Findings(collection.notes)
    groups = duplicates.groups
    conflicts = duplicates.conflicts(collection.labels)
    return Findings(
        collection.notes,
        sum(len(group) for group in groups),
        len(groups),
        len(conflicts),
        [_conflict(finished, group, exact) for group, exact in conflicts[:CONFLICTS]],
    )


def _conflict(finished: Finished, group: Sequence[int], exact: bool) -> ShownDuplicates:
    """A group of duplicates with different labels: the first picture of each label, then others, at most COPIES."""
    from tellapart.data.finding import first_of_each
    from tellapart.report.facts import ShownDuplicates

    collection, splits = finished.pictures.collection, finished.pictures.split_table.splits
    first = first_of_each(group, collection.label)[:COPIES]
    return ShownDuplicates(
        [collection.keys[i] for i in first],
        [collection.label(i) for i in first],
        [str(splits[i]) for i in first],
        [finished.own(i, SMALL) for i in first],
        exact,
        len(group) - len(first),
    )


def _draw(folder: RunFolder, finished: Finished, on_event: Listener) -> None:
    """Write the drawings that people look for in a run's folder. One that cannot be written is reported."""
    from tellapart.training.run_folder import AUGMENTED as AUGMENTED_FILE
    from tellapart.training.run_folder import CONFUSION, CONFUSION_NORMALIZED
    from tellapart.training.run_folder import MISTAKES as MISTAKES_FILE

    drawings: dict[str, Callable[[], Plot | None]] = {AUGMENTED_FILE: lambda: _augmented(finished)}
    if (evaluation := finished.evaluation) is not None:
        drawings |= {
            CONFUSION: evaluation.confusion_matrix,
            CONFUSION_NORMALIZED: lambda: evaluation.confusion_matrix(normalized=True),
            MISTAKES_FILE: lambda: _drawn_mistakes(finished, evaluation),
        }
    for name, make in drawings.items():
        try:
            plot = make()
            if plot is not None:
                plot.save(folder.path / name)
        except OSError as error:
            on_event(Note(f"note: {folder.path / name}: cannot be written ({error.strerror or error})", warning=True))


def _drawn_mistakes(finished: Finished, evaluation: Evaluation) -> Plot | None:
    """A grid of the most confident mistakes; None if there are none."""
    from tellapart.plots.pictures import PictureGrid

    mistakes = evaluation.mistakes(DRAWN_MISTAKES)
    if not mistakes:
        return None
    pictures = [finished.own(int(evaluation.indices[mistake.position]), LARGE) for mistake in mistakes]
    titles = [f"{mistake.predicted}\nlabelled {mistake.true}" for mistake in mistakes]
    return PictureGrid(pictures, titles)


def _augmented(finished: Finished) -> Plot | None:
    """A grid of training pictures as the network sees them, and as the first epochs changed them; None if unchanged."""
    if finished.trained.recipe.frozen:
        return None
    import numpy as np

    from tellapart.plots.pictures import PictureGrid
    from tellapart.training.augmented import augmented

    collection = finished.pictures.collection
    samples = _samples(finished)
    chosen = [samples[k] for k in np.unique(np.linspace(0, len(samples) - 1, AUGMENTED).round().astype(int))]
    pixels = np.stack([finished.seen(i) for i in chosen])
    changed = augmented(finished.trained.recipe, pixels, EPOCHS)
    return PictureGrid.by_epoch([collection.label(i) for i in chosen], pixels, changed)

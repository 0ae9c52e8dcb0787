"""Cross-validation: predicts each picture with a model that did not train on it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tellapart.classifier.make import ModelFacts, make_classifier
from tellapart.data.feeding import Prepared, rows_for
from tellapart.data.pixel_store import pixels_digest
from tellapart.errors import OutOfMemoryError, Stopped, TrainingError
from tellapart.files import replacing, write_json
from tellapart.progress import COMPILE, Epoch, Event, Listener, Note, Progress
from tellapart.recipes.build import build_network
from tellapart.recipes.recipe import Recipe
from tellapart.training.identity import network_digest
from tellapart.training.plan import Plan
from tellapart.training.session import Session
from tellapart.training.train import train_within_memory
from tellapart.training.trained import Trained

SMALLER = "smaller.json"
"""In a fold's folder: batch size and learning rate of a fold for which memory was short."""

SAMPLES = 64
"""Pictures on which a fold's network is compared with its ONNX copy."""


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """Trains one model per fold and predicts the pictures of that fold with it.

    `plan` decides all but the recipe, which `recipe_for` makes for the training pictures of a fold. With `resumable`,
    finished folds are kept in the session's folder, and an interrupted call can be repeated; otherwise nothing is.
    """

    plan: Plan
    recipe_for: Callable[[Prepared], Recipe]
    session: Session
    resumable: bool = False

    def predict(self, data: Prepared, fold: np.ndarray, trusted: np.ndarray | None = None) -> np.ndarray:
        """Probabilities float32 [n, classes] for prepared pictures, each from a model trained on the other folds.

        `fold` int [n] is the fold of each picture. Models train only on pictures that are `trusted`, bool [n] (None:
        all), unless a class would be missing.
        """
        pictures = pixels_digest(data.pixels) if self.resumable else ""
        probabilities = np.zeros((len(data), self.plan.classes), np.float32)
        for number in range(int(fold.max()) + 1):
            outside, inside = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
            if trusted is not None and set(data.labels[inside[trusted[inside]]]) == set(data.labels[inside]):
                inside = inside[trusted[inside]]
            train = data.take(inside)
            plan = self.plan.with_recipe(self.recipe_for(train))
            one = _Fold(plan, number, int(fold.max()) + 1, outside, pictures)
            probabilities[outside] = self._of_fold(one, train, data)
        return probabilities

    def _of_fold(self, fold: _Fold, train: Prepared, data: Prepared) -> np.ndarray:
        """Probabilities for the pictures of a fold, kept ones if there are any."""
        if not self.resumable:
            return self._computed(fold, train, data)
        kept = self.session.folder / f"fold-{fold.number + 1}.npz"
        known = fold.identity(train)
        if kept.exists():
            if (answers := _read_fold(kept, fold.outside, known)) is not None:
                return answers
            self.session.on_event(
                Note(
                    f"note: {kept} is damaged, or of other pictures or another network: this fold is trained again",
                    warning=True,
                )
            )
        answers = self._computed(fold, train, data)
        kept.parent.mkdir(parents=True, exist_ok=True)
        with replacing(kept) as new, new.open("wb") as file:
            np.savez(file, outside=fold.outside, answers=answers, known=np.array(known))
        shutil.rmtree(kept.with_suffix(""), ignore_errors=True)
        return answers

    def _computed(self, fold: _Fold, train: Prepared, data: Prepared) -> np.ndarray:
        with tempfile.TemporaryDirectory() as temporary:
            folder = self.session.folder / f"fold-{fold.number + 1}" if self.resumable else Path(temporary)
            folder.mkdir(parents=True, exist_ok=True)
            session = replace(self.session, folder=folder, on_event=fold.listener(self.session.on_event, len(train)))
            with self._named_errors(fold):
                trained = _trained(fold.plan, train, session)
        plan, samples = fold.plan, data.pixels[fold.outside[:SAMPLES]]
        facts = ModelFacts(plan.class_names, plan.preprocessing, plan.recipe.loss, plan.recipe.views)
        classifier = make_classifier(trained.network, facts, samples)
        step = rows_for(data.pixels.shape[1:])
        rows = [fold.outside[start : start + step] for start in range(0, len(fold.outside), step)]
        return np.concatenate([classifier.probabilities(data.pixels[some]) for some in rows])

    @contextmanager
    def _named_errors(self, fold: _Fold) -> Iterator[None]:
        """Name the fold in errors of its training, whose folder is removed if nothing is resumable."""
        try:
            yield
        except TrainingError as error:
            lower = "train with a lower learning rate (--learning-rate)"
            advice = error.action if isinstance(error, OutOfMemoryError) else lower
            raise type(error)(f"fold {fold.number + 1}, {error.given}", error.expected, advice) from error
        except Stopped as error:
            if self.resumable:
                raise
            stopped = Stopped("stopped", "nothing was saved", "start it again")
            stopped.exit_code = error.exit_code
            raise stopped from error


@dataclass(frozen=True, eq=False)
class _Fold:
    """One fold: its plan, its number (from 0) of `total`, the rows int64 [n] it predicts, a hash of all pictures."""

    plan: Plan
    number: int
    total: int
    outside: np.ndarray
    pictures: str

    def identity(self, train: Prepared) -> str:
        """All that the answers depend on, as JSON."""
        plan = self.plan
        network = network_digest(build_network(plan.recipe, train.pixels.shape[1:], plan.classes))
        known = [plan.recipe.changes(), network, plan.seed, plan.precision, self.pictures]
        return json.dumps(known, sort_keys=True, default=str)

    def listener(self, on_event: Listener, pictures: int) -> Listener:
        """Passes on the progress of the fold's training under the fold's name, and its notes."""
        task = f"fold {self.number + 1} of {self.total}"

        def renamed(event: Event) -> None:
            if isinstance(event, Progress):
                on_event(event if event.task == COMPILE else replace(event, task=task))
            elif isinstance(event, Epoch) and event.number == event.total:  # the last steps report nothing themselves
                on_event(Progress(task, pictures * event.total, pictures * event.total))
            elif isinstance(event, Note):
                on_event(event)

        return renamed


def _trained(plan: Plan, train: Prepared, session: Session) -> Trained:
    """Train a fold; a batch that was made smaller for lack of memory is kept for the next try."""
    kept = session.folder / SMALLER
    if kept.is_file():
        plan = plan.with_recipe(plan.recipe.model_copy(update=json.loads(kept.read_bytes())))

    def changed(recipe: Recipe) -> None:
        write_json(kept, {"batch_size": recipe.batch_size, "learning_rate": recipe.learning_rate})

    return train_within_memory(plan, train, None, session, changed)


def _read_fold(path: Path, outside: np.ndarray, known: str) -> np.ndarray | None:
    """The kept answers of a fold; None if they are damaged, or of other pictures or another network."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            if np.array_equal(archive["outside"], outside) and str(archive["known"]) == known:
                return np.asarray(archive["answers"])
    except Exception:  # a damaged archive: the fold is trained again
        return None
    return None

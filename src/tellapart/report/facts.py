"""What the report of a run and its model card are made from."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from tellapart.text import percent, percent_range
from tellapart.training.places import without_folders

if TYPE_CHECKING:
    from tellapart.evaluation.evaluation import Evaluation
    from tellapart.evaluation.mistake import Mistake

OPTIONS = (
    "backbone", "epochs", "minutes", "patience", "batch", "size", "learning_rate", "seed", "validation", "test",
    "group", "folds", "max_error_rate", "label", "image_column", "images", "split_column", "delimiter",
)  # fmt: skip
"""The options of a training with one value that its command repeats if they were given."""

ELSEWHERE = ("config", "runs", "name", "tensorboard", "resume", "save_every")
"""The options that do not change what is trained: where it is written, and how it is interrupted and resumed.

`config` only gives values of the others.
"""


@dataclass(frozen=True, eq=False)
class ShownMistake:
    """A mistake with its pictures, uint8 [height, width, 1 or 3] each.

    `picture` is the user's own one, `seen` is what the network sees of it, and `heat`, if there is one, is the first
    one under a heat map.
    """

    mistake: Mistake
    picture: np.ndarray
    seen: np.ndarray | None = None
    heat: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class ShownPair:
    """Pictures of the class at position `true` that were predicted as the one at `predicted`.

    `keys` name all of them, the most confident first; `pictures` are those of the first ones.
    """

    true: int
    predicted: int
    keys: Sequence[str]
    pictures: Sequence[np.ndarray] = ()


@dataclass(frozen=True, eq=False)
class ShownDuplicates:
    """Pictures that are duplicates although their labels differ: names, labels, splits, and pixels if readable.

    `exact` is whether their pixels are the same; otherwise some are near-duplicates. The group has `more` pictures.
    """

    keys: Sequence[str]
    labels: Sequence[str]
    splits: Sequence[str]
    pictures: Sequence[np.ndarray | None]
    exact: bool = True
    more: int = 0


@dataclass(frozen=True, eq=False)
class Findings:
    """What the run knows about its data besides what could not be read: notes of the source, and duplicates.

    `duplicates` is the number of pictures in `groups` groups of duplicates; `conflicts` are the first ones of
    `conflicting` groups with different labels.
    """

    notes: Sequence[str] = ()
    duplicates: int = 0
    groups: int = 0
    conflicting: int = 0
    conflicts: Sequence[ShownDuplicates] = ()


@dataclass(frozen=True, eq=False)
class Facts:
    """What the report and the model card are made from.

    `record` is the content of run.json, `layers` has one dict per layer of the network. `pictures` are a few training
    pictures, uint8 [height, width, 1 or 3] each, and `labels` their class names. `evaluation` is that of the test
    split, else of the validation split, else None; `mistakes` are its most confident ones, and `pairs` its confusions,
    the most frequent first. `has_ood_detector` is whether the model can flag a picture as out-of-distribution.
    """

    record: dict[str, Any]
    history: Sequence[dict[str, float]]
    layers: Sequence[dict[str, Any]]
    pictures: Sequence[np.ndarray]
    labels: Sequence[str]
    evaluation: Evaluation | None = None
    mistakes: Sequence[ShownMistake] = ()
    pairs: Sequence[ShownPair] = ()
    findings: Findings = field(default_factory=Findings)
    has_ood_detector: bool = False

    @cached_property
    def class_rows(self) -> list[dict[str, Any]]:
        """The metrics of each class, see `LabelledPredictions.per_class`; empty without an evaluation."""
        return self.evaluation.per_class() if self.evaluation else []

    @property
    def unseen(self) -> bool:
        """Whether the network saw none of the evaluated pictures before."""
        return self.evaluation is not None and self.evaluation.split == "test" and self.evaluation.leaked is None

    @property
    def command(self) -> str:
        """The command that repeats the training, without the folders of this machine: the report is passed on."""
        options = self.record["options"]
        places = [without_folders(options[name]) for name in ("data", "recipe")]
        words = ["tellapart", "train", places[0], "--recipe", places[1]]
        for name in OPTIONS:
            if options.get(name) is not None:
                words += [f"--{name.replace('_', '-')}", str(options[name])]
        words += ["--weights", without_folders(options["weights"])] if options.get("weights") else []
        words += ["--precision", self.record["precision"]]
        words += ["--device", options["device"]] if options.get("device", "auto") != "auto" else []
        words += ["--deterministic"] if options.get("deterministic") else []
        if options.get("classes"):
            words += [
                "--classes",
                without_folders(options["classes"]) if isinstance(options["classes"], str) else "CLASSES.txt",
            ]
        changes = options.get("set") or []
        for item in changes if isinstance(changes, list) else _assignments(changes):
            words += ["--set", str(item)]
        return shlex.join(words)

    @property
    def is_cross_validated(self) -> bool:
        """Whether training pictures were predicted by models that have not seen them."""
        return "cross_validation" in self.record["results"]

    @property
    def warnings(self) -> list[str]:
        """Why the metrics may be optimistic, one sentence each."""
        evaluation, sentences = self.evaluation, []
        if evaluation is None:
            return []
        if evaluation.split != "test" and not evaluation.folds:
            sentences.append(
                "No test split: all metrics below come from pictures that were also used to select the model, so they "
                "are optimistic."
            )
        if count := self.record["split"].get("groups_across_splits", {}).get(evaluation.split):
            sentences.append(
                f"{count:,} of these pictures belong to groups that also occur in training (the data's own split was "
                "kept), so the metrics may be optimistic."
            )
        if evaluation.leaked is not None:
            leakage = (
                f"{evaluation.leaked.sum():,} of these pictures are duplicates or near-duplicates of training pictures."
            )
            if rest := evaluation.without_leaks():
                leakage += f" Without them the accuracy is {_with_range(rest['accuracy'], rest['accuracy_interval'])}."
            sentences.append(leakage)
        return sentences

    @property
    def remarks(self) -> list[str]:
        """How to read the metrics, one paragraph each."""
        evaluation, paragraphs = self.evaluation, []
        if evaluation is None:
            return []
        if evaluation.folds:
            low, high = min(evaluation.folds), max(evaluation.folds)
            paragraphs.append(
                f"Cross-validation: {len(evaluation.folds)} models, each evaluated on its held-out fold (accuracy "
                f"{percent(low)} to {percent(high)}). The saved model was trained on all of these pictures."
            )
        return paragraphs + [f"Note: {caveat}." for caveat in evaluation.caveats]


def _with_range(share: float, interval: Sequence[float]) -> str:
    return f"{percent(share, interval)} ({percent_range(interval)})"


def _assignments(changes: dict[str, Any], parent: str = "") -> Iterator[str]:
    """Yield changes to a recipe in the form that --set takes."""
    for name, value in changes.items():
        if isinstance(value, dict):
            yield from _assignments(value, f"{parent}{name}.")
        else:
            yield f"{parent}{name}={'none' if value is None else value}"

"""Predict the class of pictures; --top and --json also give the probabilities of other classes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from tellapart.errors import PictureError, UsageError
from tellapart.images.views import Views
from tellapart.progress import Listener, Note, Progress
from tellapart.verbs import Record, argument, share
from tellapart.verbs._options import Model, Pictures, Share

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Prediction


class Options(Record):
    """The options of predict."""

    model: Model = argument(description="A .keras file that tellapart wrote, or a run folder.")
    pictures: Pictures = argument(description="Picture files, or folders of picture files.")
    top: int | None = Field(
        None,
        ge=1,
        description="Number of most probable classes to show; default: 3 for one picture, all with --json.",
    )
    views: Views | None = Field(
        None, description="Test-time augmentation: views of each picture to average over; default: those of the model."
    )
    max_error_rate: Share = Field(
        None,
        description='Answer "unsure" for low-confidence pictures so that at most this share of the other answers is '
        "wrong, such as 1%.",
    )

    _max_error_rate = field_validator("max_error_rate")(share)

    @field_validator("pictures", mode="before")
    @classmethod
    def _as_list(cls, value: Any) -> list[Any]:
        if isinstance(value, (str, Path)):  # the pictures of a folder are listed later
            return [value]
        if isinstance(value, (list, tuple)):
            return list(value)
        from tellapart.classifier.classifier import several

        many = several(value)
        return [value] if many is None else list(many)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions; `bad` are errors for the pictures that could not be read."""

    answers: list[Prediction]
    bad: list[PictureError]
    top: int | None = None

    @property
    def exit_code(self) -> int:
        """1 if a picture could not be read, else 0."""
        return 1 if self.bad else 0

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, i: int) -> Prediction:
        return self.answers[i]

    def to_dict(self) -> list[dict[str, Any]]:
        """One object per picture, for machines; a picture that could not be read has `error` instead."""
        good = [answer.to_dict(self.top) for answer in self.answers]
        return good + [{"source": error.source, "error": error.reason} for error in self.bad]

    def __str__(self) -> str:
        lines = []
        for answer in self.answers:
            lines.append(f"{answer.source}: {answer}")
            shown = answer.top(self.top) if self.top else answer.top(3) if len(self.answers) == 1 else []
            width = max((len(name) for name, _ in shown), default=0)
            lines += [f"  {name.ljust(width)}  {p:7.2%}" for name, p in shown]
        lines += [f"{error.source}: {error.reason}" for error in self.bad]
        return "\n".join(lines)


def run(options: Options, on_event: Listener) -> Predictions:
    """Returns the predictions in the order of the pictures, and the pictures that could not be read.

    Raises ModelFileError, and UsageError for no pictures.
    """
    from tellapart.classifier.classifier import load_classifier

    classifier = load_classifier(options.model)
    if options.views is not None:
        classifier = classifier.with_views(options.views)
    if options.max_error_rate is not None:
        classifier = classifier.with_max_error_rate(options.max_error_rate)
    if warning := classifier.calibration_warning():
        on_event(Note(warning, warning=True))
    pictures = list(_expanded(options.pictures))
    if not pictures:
        raise UsageError("no pictures given", "at least one picture file or folder", "")
    bad: list[PictureError] = []

    answers = []
    for answer in classifier.predict_each(pictures, bad.append):
        answers.append(answer)
        if len(pictures) > 1:
            on_event(Progress("predict", len(answers) + len(bad), len(pictures)))
    return Predictions(answers, bad, options.top)


def _expanded(pictures: Iterable[Any]) -> Iterator[Any]:
    from tellapart.classifier.classifier import pictures_in

    for picture in pictures:
        if isinstance(picture, (str, Path)) and os.path.isdir(picture):  # noqa: PTH112  # Path.is_dir may raise
            yield from map(str, pictures_in(Path(picture)))
        else:
            yield picture

"""Name the class of pictures; with --json, or --top, the probabilities of the others too."""

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
    """What may be asked of predict."""

    model: Model = argument(description="A .keras file that tellapart wrote, or a run folder.")
    pictures: Pictures = argument(description="Picture files, or folders of them.")
    top: int | None = Field(
        None,
        ge=1,
        description="How many of the likeliest classes to show; default: 3 for one picture, all with --json.",
    )
    views: Views | None = Field(
        None, description="Test-time augmentation to average over; default: as the model has it."
    )
    max_error_rate: Share = Field(
        None,
        description='Answer "unsure" below a confidence that keeps errors among the others at this share, such as 1%.',
    )

    _max_error_rate = field_validator("max_error_rate")(share)

    @field_validator("pictures", mode="before")
    @classmethod
    def _one_is_a_list_of_one(cls, value: Any) -> list[Any]:
        if isinstance(value, (str, Path)):  # a folder is looked into later
            return [value]
        if isinstance(value, (list, tuple)):
            return list(value)
        from tellapart.classifier.classifier import several

        many = several(value)
        return [value] if many is None else list(many)


@dataclass(frozen=True, eq=False)
class Predictions:
    """The answers, and the pictures that could not be read."""

    answers: list[Prediction]
    bad: list[PictureError]
    top: int | None = None

    @property
    def exit_code(self) -> int:
        """1 where a picture could not be read."""
        return 1 if self.bad else 0

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, i: int) -> Prediction:
        return self.answers[i]

    def to_dict(self) -> list[dict[str, Any]]:
        """For machines: an object a picture; those that could not be read have `error` in place of an answer."""
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
    """Predict. Raises ModelFileError; pictures that cannot be read are named behind the answers for the others."""
    from tellapart.classifier.classifier import load_classifier

    classifier = load_classifier(options.model)
    if options.views is not None:
        classifier = classifier.with_views(options.views)
    if options.max_error_rate is not None:
        classifier = classifier.with_max_error_rate(options.max_error_rate)
    if warning := classifier.calibration_warning():
        on_event(Note(warning))
    pictures = list(_expanded(options.pictures))
    if not pictures:
        raise UsageError("no pictures were named", "at least one picture file or folder", "name some")
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

"""Predict the class of pictures: files, folders, patterns or standard input; as lines, JSON, JSON Lines or CSV."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from tellapart.errors import PictureError, UsageError
from tellapart.images.views import Views
from tellapart.progress import Listener, Note, Progress
from tellapart.verbs import Record, argument, check_output, share, write_out
from tellapart.verbs._options import Model, Pictures, Share
from tellapart.verbs._pictures import as_list, expanded
from tellapart.verbs._predictions import SHOWN, Predictions, Tally, csv_file, entry_dict
from tellapart.verbs._runs import load_for_answers

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Prediction


class Options(Record):
    """The options of predict."""

    model: Model = argument(description='A .keras file, a run folder, a run\'s name, or "last".')
    pictures: Pictures = argument(
        description='Picture files, folders of picture files, patterns such as "*.jpg", or - for standard input.'
    )
    top: int | None = Field(
        None,
        ge=1,
        description="Number of most probable classes to show; default: 3 for one picture, 1 for several, all with "
        "--json.",
    )
    views: Views | None = Field(
        None, description="Test-time augmentation: views of each picture to average over; default: those of the model."
    )
    max_error_rate: Share = Field(
        None,
        description='Answer "unsure" for low-confidence pictures so that at most this share of the other answers is '
        "wrong, such as 1%.",
    )
    csv: Path | None = Field(
        None, description="Write a CSV file with a row per picture and a column per class, instead of lines."
    )
    jsonl: bool = Field(
        False, description="Print a JSON object on one line for each picture as soon as it is predicted."
    )

    _max_error_rate = field_validator("max_error_rate")(share)
    _pictures = field_validator("pictures", mode="before")(as_list)


def run(options: Options, on_event: Listener) -> Predictions:
    """Returns the predictions in the order of the pictures, and the pictures that could not be read.

    Raises ModelFileError, and UsageError for no pictures.
    """
    check_output(options.csv, "csv")
    classifier = load_for_answers(options, on_event)
    pictures = expanded(options.pictures)
    _check_not_overwritten(options.csv, pictures)
    entries: list[Prediction | PictureError] = []
    tally = Tally()
    with csv_file(options.csv, classifier) as table:

        def add(entry: Prediction | PictureError) -> None:
            tally.add(entry)
            if table is not None:
                table.add(entry)
            if options.jsonl:
                _print_line(entry_dict(entry, options.top))
            else:
                entries.append(entry)
            _report(tally, len(pictures), options.jsonl, on_event)

        for answer in classifier.predict_each(pictures, add):
            add(answer)
    if options.jsonl:
        on_event(Note(str(tally), warning=True))
    return Predictions(
        entries, options.top, _in_memory(pictures), options.csv, streamed=tally if options.jsonl else None
    )


def _check_not_overwritten(output: Path | None, pictures: list[Any]) -> None:
    """Raise UsageError if the CSV file would take the place of a picture."""
    if output is not None and os.path.exists(output):  # noqa: PTH110  # Path.exists may raise
        files = (path for path in pictures if isinstance(path, (str, Path)) and os.path.exists(path))  # noqa: PTH110
        if any(output.samefile(path) for path in files):
            raise UsageError(f"--csv {output}: is one of the pictures", "another file name", "")


def _print_line(values: dict[str, Any]) -> None:
    """Print JSON on one line, at once. If stdout is not UTF-8, only ASCII with JSON's own escapes is safe."""
    plain = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    write_out(json.dumps(values, ensure_ascii=plain) + "\n")


def _report(tally: Tally, total: int, streams: bool, on_event: Listener) -> None:
    """Report progress, but not among lines that a terminal shows in the same place."""
    if total > 1 and not (streams and sys.stdout.isatty()):
        on_event(Progress("predict", tally.total, total))


def _in_memory(pictures: list[Any]) -> dict[str, Any]:
    """The pictures that are not files, by their names in the predictions, as many as a notebook shows."""
    from tellapart.classifier.given import Named, name_of

    shown = enumerate(pictures[: 2 * SHOWN])
    others = ((number, one) for number, one in shown if not isinstance(one, (str, Path)))
    return {name_of(one, number): one.picture if isinstance(one, Named) else one for number, one in others}

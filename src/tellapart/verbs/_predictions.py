"""The predictions for pictures: as lines with a summary, as JSON, as CSV, and as a grid of pictures in a notebook."""

from __future__ import annotations

import csv
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tellapart.errors import PictureError, UsageError
from tellapart.text import columns, columns_of, counted, cut, probability, readable, terminal_width, wrapped

if TYPE_CHECKING:
    from tellapart.classifier.classifier import Classifier, Prediction

COUNTED = 10
"""The summary has the counts of at most this many classes."""

SHOWN, SIDE = 60, 160
"""A notebook shows at most this many pictures, with a longer side of at most SIDE pixels."""

NARROW = 24
"""File names are not cut below this length."""


@dataclass
class Tally:
    """Counts of the answers, for the summary."""

    answers: Counter[str] = field(default_factory=Counter)
    unsure: int = 0
    out_of_distribution: int = 0
    unreadable: int = 0

    def add(self, entry: Prediction | PictureError) -> None:
        """Count one answer, or one picture that could not be read."""
        if isinstance(entry, PictureError):
            self.unreadable += 1
            return
        self.out_of_distribution += entry.out_of_distribution
        if entry.unsure:
            self.unsure += 1
        else:
            self.answers[entry.label] += 1

    @property
    def total(self) -> int:
        """The number of pictures so far."""
        return self.answers.total() + self.unsure + self.unreadable

    def __str__(self) -> str:
        most = sorted(self.answers.items(), key=lambda item: (-item[1], item[0]))
        parts = [f"{count:,} {name}" for name, count in most[: COUNTED + (len(most) == COUNTED + 1)]]
        if len(most) > COUNTED + 1:
            rest = sum(count for _, count in most[COUNTED:])
            parts.append(f"{rest:,} in {len(most) - COUNTED:,} other classes")
        parts += [f"{self.unsure:,} unsure"] if self.unsure else []
        groups = [", ".join(parts)] if parts else []
        groups += [f"{self.out_of_distribution:,} out-of-distribution"] if self.out_of_distribution else []
        groups += [f"{self.unreadable:,} could not be read"] if self.unreadable else []
        return f"{counted(self.total, 'picture')}: {'; '.join(groups)}"


@dataclass(frozen=True, eq=False)
class Predictions:
    """The predictions for several pictures.

    `entries` has, in the order of the pictures, a Prediction, or the error of a picture that could not be read.
    `in_memory` has the pictures that were not given as files, by their names in the predictions. `written` is the CSV
    file. `streamed` is the tally of predictions that were written as JSON Lines and are not kept.
    """

    entries: Sequence[Prediction | PictureError]
    top: int | None = None
    in_memory: Mapping[str, Any] = field(default_factory=dict)
    written: Path | None = None
    streamed: Tally | None = None

    @cached_property
    def answers(self) -> list[Prediction]:
        """The predictions of all pictures that could be read, in order."""
        return [entry for entry in self.entries if not isinstance(entry, PictureError)]

    @cached_property
    def bad(self) -> list[PictureError]:
        """The errors of the pictures that could not be read."""
        return [entry for entry in self.entries if isinstance(entry, PictureError)]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes; empty if no picture could be read."""
        return self.answers[0].class_names if self.answers else ()

    @property
    def tally(self) -> Tally:
        """The counts of the answers."""
        if self.streamed is not None:
            return self.streamed
        tally = Tally()
        for entry in self.entries:
            tally.add(entry)
        return tally

    @property
    def exit_code(self) -> int:
        """1 if a picture could not be read, else 0."""
        return 1 if self.tally.unreadable else 0

    def __iter__(self) -> Iterator[Prediction]:
        return iter(self.answers)

    def __len__(self) -> int:
        return len(self.answers)

    def __getitem__(self, i: int) -> Prediction:
        return self.answers[i]

    def to_dict(self) -> list[dict[str, Any]] | None:
        """One object per picture, for machines; a picture that could not be read has `error` instead.

        None if they were written as JSON Lines.
        """
        return None if self.streamed is not None else [entry_dict(entry, self.top) for entry in self.entries]

    def __str__(self) -> str:
        if self.streamed is not None:
            return ""
        width = terminal_width()
        written = [] if self.written is None else [f"written: {self.written}"]
        if len(self.entries) == 1:
            return "\n".join([*self._single(self.entries[0]), *written])
        lines = [] if written else self._lines(width)
        return "\n".join([*lines, wrapped(str(self.tally), width), *written])

    def __repr__(self) -> str:
        return f"<Predictions: {self.tally}>"

    def _repr_html_(self) -> str:
        return _grid(self)

    def _single(self, entry: Prediction | PictureError) -> list[str]:
        """The lines about the only picture: the answer, and the likeliest classes."""
        if isinstance(entry, PictureError):
            return [f"{readable(entry.source)}: {entry.reason}"]
        likeliest = entry.top(self.top or 3)
        width = max(len(name) for name, _ in likeliest)
        likely = [f"  {name.ljust(width)}  {probability(p).rjust(7)}" for name, p in likeliest]
        return [f"{readable(entry.source)}: {entry}", *likely]

    def _lines(self, width: int | None) -> list[str]:
        """A line for each picture: its name, the answer and its probability, and what to know about it."""
        rows = columns([self._cells(answer) for answer in self.answers]).splitlines()
        longest = max((columns_of(readable(answer.source)) for answer in self.answers), default=0)
        if width is not None:
            longest = min(longest, max(NARROW, width - 2 - max(map(len, rows), default=0)))
        after, lines = iter(rows), []
        for entry in self.entries:
            name = readable(entry.source)
            if isinstance(entry, PictureError):
                lines.append(wrapped(f"{name}: {entry.reason}", width))
            else:
                name = cut(name, longest)
                lines.append(f"{name}{' ' * (longest - columns_of(name))}  {next(after)}".rstrip())
        return lines

    def _cells(self, answer: Prediction) -> list[str]:
        """What a line says after the name of the picture."""
        cells = [answer.answer, probability(answer.probability).rjust(7)]
        for name, p in answer.top(self.top or 1)[1:]:
            cells += [name, probability(p).rjust(7)]
        return [*cells, "out-of-distribution" if answer.out_of_distribution else ""]


def entry_dict(entry: Prediction | PictureError, top: int | None) -> dict[str, Any]:
    """A prediction as JSON values, or a source and an error."""
    if isinstance(entry, PictureError):
        return {"source": entry.source, "error": entry.reason}
    return entry.to_dict(top)


class CsvFile:
    """A CSV file of predictions, which has its name when it is complete. See `csv_file`."""

    def __init__(self, writer: Any, classifier: Classifier) -> None:
        self.writer, self.classes = writer, len(classifier.class_names)
        self.ood = classifier.ood_detector is not None
        self.threshold = classifier.threshold is not None
        fixed = ["source", "label", "probability"]
        flags = ["unsure"] * self.threshold + ["ood_score", "out_of_distribution"] * self.ood + ["error"]
        taken = {*fixed, *flags}
        # A class may have the name of another column; a second column of that name would hide one of them.
        names = [f"class:{name}" if name in taken else name for name in classifier.class_names]
        self.writer.writerow([*fixed, *names, *flags])

    def add(self, entry: Prediction | PictureError) -> None:
        """Write the row of one picture."""
        if isinstance(entry, PictureError):
            empty = 2 + self.classes + self.threshold + 2 * self.ood
            self.writer.writerow([entry.source, *[""] * empty, entry.reason])
            return
        row = [entry.source, entry.label, *(f"{p:.7g}" for p in (entry.probability, *entry.values))]
        row += [str(entry.unsure).lower()] if self.threshold else []
        if self.ood:
            score = entry.ood_score
            row += ["" if score is None else f"{score:.7g}", str(entry.out_of_distribution).lower()]
        self.writer.writerow([*row, ""])


@contextmanager
def csv_file(path: Path | None, classifier: Classifier) -> Iterator[CsvFile | None]:
    """A CSV file to add predictions to, written atomically; None without a path.

    Columns: source, label, probability, one per class in class order, then what applies of unsure, ood_score and
    out_of_distribution, and error. Raises UsageError if the file cannot be written.
    """
    from tellapart.files import replacing

    if path is None:
        yield None
        return
    try:
        # File names that are not valid UTF-8 contain surrogates; they are written as escapes.
        with (
            replacing(path) as temporary,
            temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="") as file,
        ):
            yield CsvFile(csv.writer(file), classifier)
    except OSError as error:
        if isinstance(error, BrokenPipeError):  # of standard output
            raise
        reason = error.strerror or str(error)
        raise UsageError(f"--csv {path}: cannot be written ({reason})", "a file that can be written", "") from error


def _grid(predictions: Predictions) -> str:
    """A grid of the first pictures with their answers as HTML, then the pictures that could not be read."""
    from tellapart.parallel import each

    shown = predictions.answers[:SHOWN]
    thumbnails = each(lambda answer: _thumbnail(predictions.in_memory.get(answer.source, answer.source)), shown)
    cells = "".join(_figure(answer, picture) for answer, picture in zip(shown, thumbnails, strict=True))
    more = len(predictions.answers) - len(shown)
    rest = f"<p>and {counted(more, 'more picture')}</p>" if more else ""
    bad = "".join(f"<li>{escape(readable(one.source))}: {escape(one.reason)}</li>" for one in predictions.bad[:SHOWN])
    listed = f"<p>could not be read:</p><ul>{bad}</ul>" if bad else ""
    return (
        f"<p><b>{escape(str(predictions.tally))}</b></p>"
        f'<div style="display:flex;flex-wrap:wrap;gap:12px">{cells}</div>{rest}{listed}'
    )


def _figure(answer: Prediction, thumbnail: str) -> str:
    """One picture with its answer and its file name."""
    name = readable(answer.source)
    flag = "<br>out-of-distribution" if answer.out_of_distribution else ""
    return (
        f'<figure style="margin:0;width:{SIDE}px;overflow-wrap:anywhere">'
        f'<div style="height:{SIDE}px;display:flex;align-items:end">{thumbnail}</div>'
        f'<figcaption style="line-height:1.35"><b>{escape(answer.answer)}</b> {escape(probability(answer.probability))}'
        f'{flag}<br><small title="{escape(name)}">{escape(cut(Path(name).name, 22))}</small>'
        "</figcaption></figure>"
    )


def _thumbnail(picture: Any) -> str:
    """A picture of at most SIDE pixels as an HTML image, upright; small ones are enlarged without smoothing."""
    from tellapart.images.read import read_picture
    from tellapart.images.write import as_file, within

    try:
        pixels = within(read_picture(picture, None, (SIDE, SIDE)), SIDE)
    except PictureError as error:  # moved or changed since
        return f"<i>{escape(error.reason)}</i>"
    data, kind = as_file(pixels)
    height, width = pixels.shape[:2]
    times = max(1, SIDE // max(height, width))
    style = "image-rendering:pixelated" if times > 1 else ""
    return (
        f'<img src="data:{kind};base64,{b64encode(data).decode()}" width="{width * times}" height="{height * times}" '
        f'style="{style}" alt="">'
    )

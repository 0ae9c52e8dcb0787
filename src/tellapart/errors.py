"""All errors that tellapart raises: what was given, what was expected and, where it helps, what to do."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin


class TellapartError(Exception):
    """Base class of all errors that the user can do something about.

    `given` names the file, row, class or option at fault, `expected` says what is accepted, and `action` what to do; an
    empty `action` is not printed. The command line ends with `exit_code`: 2 for wrong use or wrong input, 1 if the work
    itself failed.
    """

    exit_code = 2
    resumable = True
    """Whether the training that it ended can come to another end if it is resumed."""

    def __init__(self, given: str, expected: str, action: str) -> None:
        super().__init__(given, expected, action)
        self.given, self.expected, self.action = given, expected, action

    def __str__(self) -> str:
        return f"{self.given}\n  expected: {self.expected}{self._to_do()}"

    def _to_do(self) -> str:
        return f"\n  to do: {self.action}" if self.action else ""

    def to_dict(self) -> dict[str, str]:
        """The kind of error and its three parts, for machines."""
        return {"error": type(self).__name__, "given": self.given, "expected": self.expected, "action": self.action}


class UsageError(TellapartError):
    """A wrong option, name or path."""


class DataError(TellapartError):
    """Something is wrong with the labelled pictures or the file they came in.

    `reason` is the short form without the file's name, where the error is about one file, else "". `temporary` is true
    where reading may succeed later: a network share was not reachable, or memory was short. `unclear` is true where
    options that describe the layout may help.
    """

    def __init__(
        self,
        given: str,
        expected: str,
        action: str,
        *,
        reason: str = "",
        temporary: bool = False,
        unclear: bool = False,
    ) -> None:
        super().__init__(given, expected, action)
        self.reason, self.temporary, self.unclear = reason, temporary, unclear


class PictureError(TellapartError):
    """One picture cannot be read.

    `reason` is the short form that lists of skipped pictures show. `temporary` is true where reading may succeed later:
    a network share was not reachable, or memory was short.
    """

    exit_code = 1

    def __init__(
        self, source: str, reason: str, action: str = "repair the file, or leave it out", *, temporary: bool = False
    ) -> None:
        super().__init__(f"{source}: {reason}", "a picture (JPEG, PNG, GIF, BMP, WebP, TIFF or PPM)", action)
        self.source, self.reason, self.temporary = source, reason, temporary


class WeightsError(TellapartError):
    """The weights of a pretrained backbone are missing, or their file is refused."""


class RecipeError(TellapartError):
    """A recipe that does not exist, has a wrong field, or does not fit the data."""


class ModelFileError(TellapartError):
    """A file that is not a model file, or is damaged."""


class DownloadError(TellapartError):
    """A file of a data set, or of weights, that could not be downloaded."""

    exit_code = 1


class TrainingError(TellapartError):
    """A training diverged: it would do so again, bit for bit."""

    exit_code = 1
    resumable = False


class OutOfMemoryError(TrainingError):
    """A training does not fit in memory, not even with its smallest batches."""

    resumable = True


class CheckpointError(TellapartError):
    """A checkpoint that cannot be written, or that a training cannot resume from."""

    exit_code = 1


class Stopped(TellapartError):  # noqa: N818  # nothing went wrong
    """A training that was stopped on request. Its checkpoint was kept."""

    exit_code = 130

    def __str__(self) -> str:
        return f"{self.given}; {self.expected}{self._to_do()}"


LIKENESS = 0.7
"""Similarity from which two words count as the same word misspelt: twice the common letters over all letters."""


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """Name the most similar choice, if there is one, and all choices: `did you mean quick? There are: dense, quick`."""
    names = sorted(choices)
    listed = ", ".join(names)
    match = closest(word, names)
    return f"did you mean {match}? There are: {listed}" if match else f"choose one of: {listed}"


def closest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most similar to `word`, or one that it abbreviates. None if no choice is similar."""
    names, word = sorted(choices), word.lower()
    similar = difflib.get_close_matches(word, names, n=1, cutoff=LIKENESS)
    longer = [name for name in names if len(word) >= 3 and name.startswith(word)]
    return next(iter([*similar, *longer]), None)


def expected_value(annotation: Any, metadata: Sequence[Any], failure: Mapping[str, Any]) -> str:
    """Say what a field of a pydantic record accepts: `a whole number from 2 to 100`, `auto, float32 or bfloat16`.

    `annotation` and `metadata` are those of the field. `failure` is the entry of `ValidationError.errors()`: if a
    validator of our own refused the value, its words are returned.
    """
    if failure["type"] in ("value_error", "assertion_error"):
        return str(failure["ctx"]["error"])
    limits = {
        name: getattr(item, name)
        for item in metadata
        for name in ("ge", "gt", "le", "lt", "allow_inf_nan")
        if getattr(item, name, None) is not None
    }
    kinds = [_kind(part, limits) for part in _parts(annotation)]
    return " or ".join(dict.fromkeys(kinds))


def _parts(annotation: Any) -> list[Any]:
    """The members of a union without None; literals of a union as one."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return [annotation]
    members = [part for member in get_args(annotation) for part in _parts(member) if part is not type(None)]
    values = [value for member in members if get_origin(member) is Literal for value in get_args(member)]
    others = [member for member in members if get_origin(member) is not Literal]
    return [*others, Literal[tuple(values)]] if values else others


def _kind(annotation: Any, limits: Mapping[str, Any]) -> str:
    if get_origin(annotation) is Literal:
        *most, last = map(str, get_args(annotation))
        return f"{', '.join(most)} or {last}" if most else last
    if annotation is int:
        return f"a whole number{_range(limits, whole=True)}"
    if annotation is float:
        finite = "" if limits.get("allow_inf_nan", True) else "finite "
        return f"a {finite}number{_range(limits, whole=False)}"
    plain = {bool: "true or false", str: "text", Path: "a path", list: "a list", tuple: "a list", dict: "a table"}
    return plain.get(get_origin(annotation) or annotation) or f"a {getattr(annotation, '__name__', annotation)}"


def _range(limits: Mapping[str, Any], whole: bool) -> str:
    """The limits of a number in words: ` from 2 to 100`, `, at least 0 and below 1`."""
    least, above, most, below = (limits.get(name) for name in ("ge", "gt", "le", "lt"))
    if whole:
        least, above = (above + 1, None) if above is not None else (least, None)
        most, below = (below - 1, None) if below is not None else (most, None)
    if least is not None and most is not None:
        return f" from {_number(least)} to {_number(most)}"
    named = (("at least", least), ("above", above), ("at most", most), ("below", below))
    words = [f"{name} {_number(value)}" for name, value in named if value is not None]
    return f", {' and '.join(words)}" if words else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.4g}"

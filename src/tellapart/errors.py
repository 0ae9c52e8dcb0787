"""The one family of errors: what was given, what was expected, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class TellapartError(Exception):
    """An error that a person can act on.

    `given` names the file, row, class or option at fault, `expected` what would have been right, `action` the way out.
    `exit_code` is what the command line ends with: 2 for wrong use or input, 1 where the work itself found a problem.
    """

    exit_code = 2
    resumable = True
    """Whether the training that it ended can come to another end if it is resumed."""

    def __init__(self, given: str, expected: str, action: str) -> None:
        super().__init__(given, expected, action)
        self.given, self.expected, self.action = given, expected, action

    def __str__(self) -> str:
        return f"{self.given}\n  expected: {self.expected}\n  to do: {self.action}"

    def to_dict(self) -> dict[str, str]:
        """The three parts and the kind of error, for machines."""
        return {"error": type(self).__name__, "given": self.given, "expected": self.expected, "action": self.action}


class UsageError(TellapartError):
    """A wrong option, name or path."""


class DataError(TellapartError):
    """Something is wrong with the labelled pictures or the file they came in.

    `reason` is the short form without the file's name, where the error is about one file, else "". `temporary` is true
    where reading may succeed later: a network share was not reachable, or memory was short.
    """

    def __init__(self, given: str, expected: str, action: str, *, reason: str = "", temporary: bool = False) -> None:
        super().__init__(given, expected, action)
        self.reason, self.temporary = reason, temporary


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


class RecipeError(TellapartError):
    """A recipe that does not exist, has a wrong field, or does not fit the data."""


class ModelFileError(TellapartError):
    """A file that is not a model, or not an undamaged one."""


class DownloadError(TellapartError):
    """A data set could not be fetched."""

    exit_code = 1


class TrainingError(TellapartError):
    """A training diverged: it would do so again, bit for bit."""

    exit_code = 1
    resumable = False


class OutOfMemoryError(TrainingError):
    """A training does not fit in memory, not even with its smallest batches."""

    resumable = True


class CheckpointError(TellapartError):
    """A checkpoint cannot be written, or none can be gone on from."""

    exit_code = 1


class Stopped(TellapartError):  # noqa: N818  # nothing went wrong
    """A training was asked to stop, and what it had reached is kept."""

    exit_code = 130

    def __str__(self) -> str:
        return f"{self.given}; {self.expected}\n  to do: {self.action}"


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """A sentence that lists the choices, the likeliest first: `did you mean quick? There are: dense, quick`."""
    names = sorted(choices)
    near = difflib.get_close_matches(word.lower(), names, n=1, cutoff=0.6)
    listed = ", ".join(names)
    return f"did you mean {near[0]}? There are: {listed}" if near else f"choose one of: {listed}"

"""Colours for texts on a terminal: the headline, class names, warnings and errors. None of it where NO_COLOR is set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import IO

from rich.console import Console
from rich.text import Text

HEADLINE, CLASS, LABEL, ERROR = "bold green", "cyan", "dim", "bold red"

LABELS = r"^(?:next|report|model|run|drawn|page|manifest|predict|open):(?= )"
"""The start of a line that has a label."""

ACTION = "  to do: "

COPIED = ("report: ", "model: ", "run: ", "drawn: ", "page: ", "manifest: ", "predict: ", "open: ")
"""Labels of a path or a command, which is not wrapped."""

MOST_CLASSES = 200
"""With more classes than this their names are not coloured: it would take long and be of no use."""


def print_result(text: str, console: Console, headline: bool, class_names: Sequence[str]) -> None:
    """Print a result, its first line as a headline if it has one, with coloured class names.

    Long sentences wrap between words. Lines of tables and lines that end in a path are left as they are, to be copied.
    """
    for number, line in enumerate(text.splitlines()):
        painted = Text(line)
        if number == 0 and headline:
            painted.stylize(HEADLINE)
        elif class_names and len(class_names) <= MOST_CLASSES:
            painted.highlight_regex(_any_of(class_names), CLASS)
        painted.highlight_regex(LABELS, LABEL)
        console.print(painted, soft_wrap=line.startswith(COPIED) or "  " in line.strip())


def console_of(stream: IO[str]) -> Console:
    """Return a console that writes to a terminal's stream and colours nothing by itself."""
    return Console(file=stream, highlight=False)


def print_error(text: str, console: Console) -> None:
    """Print an error with its first word, `error:`, in red. What to do is not wrapped: it may be a command to copy."""
    for line in text.splitlines():
        painted = Text(line)
        painted.highlight_regex(r"^error:", ERROR)
        console.print(painted, soft_wrap=line.startswith(ACTION))


def _any_of(names: Sequence[str]) -> str:
    """A pattern of names that stand for themselves, not within other words; longer ones first."""
    longest = sorted(filter(None, names), key=len, reverse=True)
    return rf"(?<![\w.-])(?:{'|'.join(map(re.escape, longest))})(?![\w-])"

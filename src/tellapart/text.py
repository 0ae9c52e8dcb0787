"""Results as plain text: aligned columns, counts, percentages, durations, sizes, shapes, shortened names."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Container, Iterable, Sequence
from itertools import takewhile


def columns(rows: Sequence[Sequence[object]], header: Sequence[str] | None = None) -> str:
    """Rows as columns with two spaces between them, numbers aligned to the right."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    table = ([list(header)] if header else []) + cells
    widths = [max(columns_of(row[k]) for row in table) for k in range(len(table[0]))]
    right = [all(_is_number(row[k]) for row in rows) for k in range(len(widths))]
    lines = []
    for row in table:
        padded = (_padded(cell, w, r) for cell, w, r in zip(row, widths, right, strict=True))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _padded(cell: str, width: int, right: bool) -> str:
    """A cell that takes `width` columns of a terminal, aligned to the right or the left."""
    blanks = " " * (width - columns_of(cell))
    return blanks + cell if right else cell + blanks


def _is_number(value: object) -> bool:
    """Whether a cell is a number, a percentage, or the dash of one that is not defined."""
    return isinstance(value, (int, float)) or (isinstance(value, str) and (value.endswith(" %") or value == "-"))


def terminal_width() -> int | None:
    """The width of the terminal that stdout is, or `$COLUMNS`; None for a pipe, a file and a notebook."""
    given = os.environ.get("COLUMNS", "")
    if given.isdecimal() and int(given):
        return int(given)
    try:
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    except (AttributeError, ValueError):  # a stream that is closed or not a file
        return None


def text_width(most: int = 80) -> int:
    """The width to which long lines are wrapped: that of the terminal, or `most` if it is wider or not a terminal."""
    return min(most, terminal_width() or most)


def fitted(rows: Sequence[Sequence[object]], header: Sequence[str], width: int | None, least: int = 3) -> str:
    """Rows as columns that fit `width` letters; None: any width.

    If they do not fit, the last columns are left out, down to the first `least`. If these do not fit either, each row
    becomes a block: its first cell, and below it a line for each other cell.
    """
    for count in range(len(header), min(least, len(header)) - 1, -1):
        table = columns([row[:count] for row in rows], header[:count])
        if width is None or max(map(columns_of, table.splitlines()), default=0) <= width:
            return table
    blocks = [[(name, _cell(value)) for name, value in zip(header, row, strict=True)] for row in rows]
    return "\n".join("\n".join([block[0][1], *(f"  {name}: {cell}" for name, cell in block[1:])]) for block in blocks)


def wrapped(line: str, width: int | None, indent: str = "  ") -> str:
    """A line broken between words so that it fits `width` letters; the lines after the first are indented."""
    if width is None or len(line) <= width:
        return line
    return textwrap.fill(line, max(width, 20), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def duration(seconds: float) -> str:
    """A time in the unit that suits it, with two or three digits: `44 µs`, `0.3 ms`, `44 ms`, `8.2 s`, `12 min`."""
    unit, size = time_unit(seconds)
    return f"{_digits(seconds / size)} {unit}"


def time_unit(seconds: float) -> tuple[str, float]:
    """The unit that suits a time, and its length in seconds."""
    for unit, size, limit in (("µs", 1e-6, 1e-4), ("ms", 1e-3, 1.0), ("s", 1.0, 120.0), ("min", 60.0, 7200.0)):
        if seconds < 0.9995 * limit:
            return unit, size
    return "h", 3600.0


def file_size(count: float) -> str:
    """A number of bytes in the unit that suits it: `812 bytes`, `0.46 MB`, `12 MB`, `3.4 GB`."""
    if count < 1000:
        return counted(int(count), "byte")
    for unit, size in (("kB", 1e3), ("MB", 1e6), ("GB", 1e9)):
        if count < 999.5 * size:
            return f"{_digits(count / size)} {unit}"
    return f"{_digits(count / 1e12)} TB"


def large_count(count: int) -> str:
    """A large number, shortened: `850`, `12.4 k`, `1.27 M`, `3.6 G`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 0.9995 * size:
            return f"{count / size:.3g} {unit}" if count < 999.5 * size else f"{count / size:,.0f} {unit}"
    return str(count)


def _digits(value: float) -> str:
    """A number with two digits that count: `0.35`, `8.2`, `44`, `120`."""
    return f"{value:,.0f}" if value >= 9.95 else f"{value:.1f}" if value >= 0.995 else f"{value:.2g}"


def readable(name: str) -> str:
    """A file name as valid text. A name that is not UTF-8, as in old archives, is read as Windows-1252."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "backslashreplace")
    return name


JOINERS = "\u200c\u200d"
"""Invisible letters that change how their neighbours are written in some scripts, and so the word."""


def visible(name: str) -> str:
    """Return a name as it prints: composed, without invisible characters and blanks at its ends."""
    if name.isascii() and " " not in name and name.isprintable():
        return name
    composed = unicodedata.normalize("NFC", name)
    shown = "".join(letter for letter in composed if unicodedata.category(letter) != "Cf" or letter in JOINERS)
    return " ".join(shown.split()) or name


def matching(word: str, names: Container[str]) -> str:
    """A word, or what it prints as, if only that is one of some names."""
    return visible(word) if word not in names and visible(word) in names else word


def quoted(word: str) -> str:
    """A word of a command line, in quotes if the shell of this system needs them."""
    if os.name == "nt":
        return f'"{word}"' if " " in word else word
    return shlex.quote(word)


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1 picture`, `1,234 pictures`; `plural` is that of a noun that needs more than an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def listed(names: Iterable[str], most: int = 4) -> str:
    """`a`, `a and b`, `a, b and c`; of more than `most` names the first, and how many there are: `a, b, ... (38)`."""
    shown = list(names)
    if len(shown) > most:
        return f"{', '.join(shown[: most - 1])}, ... ({len(shown):,})"
    return " and ".join(part for part in (", ".join(shown[:-1]), *shown[-1:]) if part)


def percent(share: float, interval: Sequence[float] | None = None, digits: int = 1) -> str:
    """A share as a percentage, with as many digits as its 95 % interval supports: `67 %`, `98.6 %`, `99.93 %`.

    Without an interval it has `digits`. `100 %` and `0 %` mean exactly that: other shares get more digits.
    """
    digits = digits if interval is None else interval_digits(interval)
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    while digits < 10 and f"{100 * share:.{digits}f}" in (f"{100:.{digits}f}", f"{0:.{digits}f}"):
        digits += 1
    return f"{100 * share:.{digits}f} %"


def percent_range(interval: Sequence[float], digits: int | None = None) -> str:
    """The limits of an interval as percentages, with `digits` or as many as its width supports: `59 to 74 %`."""
    digits = interval_digits(interval) if digits is None else digits
    low, high = (f"{100 * limit:.{digits}f}" for limit in interval)
    whole = f"{100:.{digits}f}"
    return f"{'100' if low == whole else low} to {'100' if high == whole else high} %"


def interval_digits(interval: Sequence[float]) -> int:
    """Digits after the point of a percentage that its interval supports: 0 if it is 5 points wide, 1 if 0.5, else 2."""
    width = abs(interval[1] - interval[0])
    return 0 if width >= 0.05 else 1 if width >= 0.005 else 2


def probability(value: float) -> str:
    """A predicted probability as a percentage, `97.3 %`; never `0.0 %` or `100.0 %`, which no model can know."""
    if value >= 0.9995:
        return ">99.9 %"
    return "<0.1 %" if value < 0.0005 else f"{100 * value:.1f} %"


def shape(values: Sequence[int | None]) -> str:
    """`28 x 28 x 1`."""
    return " x ".join("?" if value is None else str(value) for value in values)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def shortened(names: Sequence[str], length: int) -> list[str]:
    """Names of at most `length` characters that still differ, for labels of a plot.

    They are cut at the end. If two would then be equal, they are cut in the middle, at the start, or by what all have
    in common; if that does not help either, they are numbered.
    """
    tail = 2 * length // 3
    prefix = _common(names)
    suffix = _common([name[prefix:][::-1] for name in names])
    ways: tuple[Callable[[str], str], ...] = (
        lambda name: f"{name[: length - 1]}…",
        lambda name: f"{name[: length - tail - 1]}…{name[-tail:]}",
        lambda name: f"…{name[1 - length :]}",
        lambda name: f"…{name[prefix : len(name) - suffix][: length - 2]}…",
    )
    for way in ways:
        labels = [name if len(name) <= length else way(name) for name in names]
        if len(set(labels)) == len(set(names)) and "……" not in labels:
            return labels
    cut = length - 5
    return [f"{number}: {name if len(name) <= cut + 1 else name[:cut] + '…'}" for number, name in enumerate(names, 1)]


def cut(name: str, width: int) -> str:
    """A name of at most `width` columns on a terminal, cut in the middle: `roses/5…b2a1.jpg`.

    Chinese, Japanese and Korean letters take two columns. The end is kept longer than the start, since the names of
    files differ there.
    """
    if columns_of(name) <= width:
        return name
    tail, head = "", ""
    while name and columns_of(tail) + columns_of(name[-1]) <= 2 * (width - 1) // 3:
        name, tail = name[:-1], name[-1] + tail
    while name and columns_of(head) + columns_of(name[0]) <= width - 1 - columns_of(tail):
        name, head = name[1:], head + name[0]
    return f"{head}…{tail}"


def columns_of(text: str) -> int:
    """The columns that a text takes on a terminal."""
    return sum(
        0 if unicodedata.combining(letter) else 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        for letter in text
    )


def _common(names: Sequence[str]) -> int:
    """The length of the prefix that all names share."""
    equal = (len(set(letters)) == 1 for letters in zip(*names, strict=False))
    return sum(takewhile(bool, equal))

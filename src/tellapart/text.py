"""Results as plain text: aligned columns, shapes."""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Callable, Sequence
from itertools import takewhile


def columns(rows: Sequence[Sequence[object]], header: Sequence[str] | None = None) -> str:
    """Rows as aligned columns, numbers to the right, two spaces between."""
    cells = [[_cell(value) for value in row] for row in rows]
    if not cells:
        return ""
    table = ([list(header)] if header else []) + cells
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    right = [all(isinstance(row[k], (int, float)) for row in rows) for k in range(len(widths))]
    lines = []
    for row in table:
        padded = (cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(row, widths, right, strict=True))
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def readable(name: str) -> str:
    """A file's name as text that can be written: where it is no UTF-8, as in old archives, read as Windows-1252."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return name.encode("utf-8", "surrogateescape").decode("cp1252", "backslashreplace")
    return name


def quoted(word: str) -> str:
    """A word of a command, in quotation marks where this system's shell needs them."""
    if os.name == "nt":
        return f'"{word}"' if " " in word else word
    return shlex.quote(word)


def counted(count: int, noun: str) -> str:
    """`1 picture`, `1,234 pictures`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def near_one(share: float) -> str:
    """A share as per cent, with as many digits as tell it from 100 %: `95.0%`, `99.96%`."""
    digits = 1 if not 0 < share < 1 else min(10, max(1, math.ceil(-math.log10(100 * (1 - share)) - 1e-6)))
    return f"{share:.{digits}%}"


def shape(values: Sequence[int | None]) -> str:
    """`28 x 28 x 1`."""
    return " x ".join("?" if value is None else str(value) for value in values)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def shortened(names: Sequence[str], length: int) -> list[str]:
    """Names that fit labels and still differ: cut at the end or, where that makes two the same, in the middle, in
    front, or at both ends as far as they are the same; else numbered.
    """
    tail = 2 * length // 3
    before = _common(names)
    behind = _common([name[before:][::-1] for name in names])
    ways: tuple[Callable[[str], str], ...] = (
        lambda name: f"{name[: length - 1]}…",
        lambda name: f"{name[: length - tail - 1]}…{name[-tail:]}",
        lambda name: f"…{name[1 - length :]}",
        lambda name: f"…{name[before : len(name) - behind][: length - 2]}…",
    )
    for way in ways:
        found = [name if len(name) <= length else way(name) for name in names]
        if len(set(found)) == len(set(names)) and "……" not in found:
            return found
    cut = length - 5
    return [f"{number}: {name if len(name) <= cut + 1 else name[:cut] + '…'}" for number, name in enumerate(names, 1)]


def _common(names: Sequence[str]) -> int:
    """How many letters all of them begin with."""
    alike = (len(set(letters)) == 1 for letters in zip(*names, strict=False))
    return sum(takewhile(bool, alike))

"""The findings of check as text for a terminal: at most 25 lines of 80 columns, findings first."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tellapart.text import columns_of, counted, cut, text_width

if TYPE_CHECKING:
    from pathlib import Path

    from tellapart.data.finding import Finding
    from tellapart.report.findings import CheckPage

LINES = 25

EXAMPLES = 3
"""Findings of a check that are printed at most; fewer if there are many kinds. The page has more."""

NAME = 12
"""Columns that a cut file name has at least."""


def as_text(facts: CheckPage, page: Path | None) -> str:
    """Return the findings with as many examples as fit, then what was not found or not checked, and what to do next."""
    head, tail = _head(facts), _tail(facts, page)
    examples = [0] * len(facts.found)
    for place in list(range(len(examples))) * EXAMPLES:  # one for each kind, then a second one, and so on
        more = [count + (k == place) for k, count in enumerate(examples)]
        if len(head) + len(_findings(facts, more)) + len(tail) <= LINES:
            examples = more
    return "\n".join([*head, *_findings(facts, examples), *tail])


def _head(facts: CheckPage) -> list[str]:
    count = sum(len(result.findings) for result in facts.found)
    found = counted(count, "finding") if count else "nothing found"
    return [f"{cut(facts.checked.collection.name, 32)}: {facts.size}; {found}", ""]


def _findings(facts: CheckPage, examples: Sequence[int]) -> list[str]:
    """A line with the count of each check that found something, its remark, and this number of its findings."""
    lines = []
    for result, count in zip(facts.found, examples, strict=True):
        lines.append(f"{result.title}: {len(result.findings):,}")
        lines += _wrapped(result.remark.words, "  ") if result.remark else []
        for finding in result.findings[:count]:
            lines += _line(finding, facts.checked.collection.keys)
        left = len(result.findings) - count
        lines += [f"  and {left:,} more"] if count and left > 0 else []
    return lines


def _tail(facts: CheckPage, page: Path | None) -> list[str]:
    """What was not found or not checked, the page, and the clean manifest or the command that writes it."""
    begin = ["", "Nothing found"] if facts.found else ["Checked for"]
    lines = [*begin[:-1], *_wrapped(f"{begin[-1]}: {', '.join(facts.empty)}")] if facts.empty else []
    for words in (*facts.remarks_without_findings, *facts.missing):
        lines += _wrapped(words)
    return [*lines, "", *([f"page: {page}"] if page else []), *_manifest(facts)]


def _manifest(facts: CheckPage) -> list[str]:
    """The clean manifest that was written, or the command that writes it; none if it would change nothing."""
    words = facts.clean.words(len(facts.checked.collection))
    if facts.manifest:
        return [f"clean manifest: {facts.manifest} ({words})"]
    if not facts.clean.kinds or not facts.clean.command:
        return []
    return [*_wrapped(f"A clean manifest {words}. To write it:"), f"  {facts.clean.command}"]


def _line(finding: Finding, keys: Sequence[str]) -> list[str]:
    """A finding in one line, with the names of at most two pictures cut to fit; one without pictures is wrapped."""
    if not finding.pictures:
        return _wrapped(finding.words, "  ")
    for name in range(text_width(), NAME - 1, -2):
        line = f"  {finding.brief(keys, name)}"
        if columns_of(line) <= text_width():
            return [line]
    return [f"  {cut(line.strip(), text_width() - 2)}"]


def _wrapped(words: str, indent: str = "") -> list[str]:
    more = indent or "  "
    return textwrap.wrap(words, text_width(), initial_indent=indent, subsequent_indent=more, break_on_hyphens=False)

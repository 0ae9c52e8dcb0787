"""Labels in the paths of files: by a pattern that the user gives; and patterns to suggest where names have a label."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tellapart.data.split_names import words_in
from tellapart.errors import UsageError
from tellapart.text import counted, quoted, readable

PARENT, GRANDPARENT = "parent", "grandparent"
"""Values of --label that name a folder, by its place above the picture."""

EXAMPLE = r"'([a-z]+)\.\d+\.jpg$'"

CANDIDATES = (
    r"(?:^|/)([^/]+?)[ ._-]+(?:train|val|test)[^/]*/",  # cat_train/1.jpg, dog_test/2.jpg
    r"(?:^|/)([^\W\d_][^/]*?)[ ._(-]*\d+\)?\.\w+$",  # cat.0.jpg, Abyssinian_12.jpg, n01440764_10026.JPEG, cat (3).png
    r"(?:^|/)([^\d/_. -]+)[_. -][^/]+\.\w+$",  # cat_3f2a.jpg
    r"(?:^|/)[^/a-z]*\d[ _.-]+([^\d\W][^/]*?)\.\w+$",  # 001_cat.jpg
)
"""Patterns for a class name in front of a split, or at the start or at the end of a file name."""

CAMERAS = words_in("img image images dsc dscf dscn pxl photo picture pic frame scan screenshot mvi vid")
"""What cameras and programs write in front of a number."""

MOST_NUMBERS, SHOWN = 6, 3

SAMPLE, LETTERS = 50_000, 64
"""Names that a suggestion is made from, at most, and letters of a file name: matching takes their square as steps."""


@dataclass(frozen=True)
class Suggestion:
    """A pattern for the label, and how many pictures each class would have, of all or of a sample."""

    pattern: str
    counts: Counter[str]
    sampled: bool = False

    def __str__(self) -> str:
        shown = self.counts.most_common(SHOWN)
        most = ", ".join(name if self.sampled else f"{name} {count:,}" for name, count in shown)
        more = f", ... {len(self.counts):,} classes" if len(self.counts) > SHOWN else ""
        return f"--label {quoted(self.pattern)} ({most}{more})"


def label_of(label: str, example: str) -> Callable[[str], str | None]:
    """Return the function that gives the label for the path of a picture, by what the user said.

    Raises UsageError for a pattern that is not valid, or has no group; it shows the path `example`.
    """
    if label in (PARENT, GRANDPARENT):
        place = -2 if label == PARENT else -3
        return lambda name: _folder(name, place)
    expected = f"parent, grandparent, or a regular expression with a group around the label, such as {EXAMPLE}"
    try:
        pattern = re.compile(label)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(
            f"--label {quoted(label)}: is not a valid regular expression ({error})", expected, ""
        ) from error
    if not pattern.groups:
        action = f"put brackets around the part of the path that is the label: paths are like {example}"
        raise UsageError(f"--label {quoted(label)}: is a regular expression without a group", expected, action)
    return lambda name: _matched(pattern, name)


def _folder(name: str, place: int) -> str | None:
    folders = name.split("/")
    return readable(folders[place]) if len(folders) >= -place else None


def _matched(pattern: re.Pattern[str], name: str) -> str | None:
    """Return the first group that took part in the match; None without a match or for an empty text."""
    match = pattern.search(name)
    groups = () if match is None else match.groups()
    return readable(next((group for group in groups if group), "")) or None


def suggestions(names: Sequence[str]) -> list[Suggestion]:
    """Return patterns for names that contain their class, the likeliest first; none if no pattern is likely.

    For names of several numbers, such as 25_0_1_2017.jpg, there is one for each number that may be a class.
    """
    some = [name for name in names[:: len(names) // SAMPLE + 1] if _is_short(name)]
    found = (_suggestion(pattern, some, len(names)) for pattern in CANDIDATES)
    first = next((suggestion for suggestion in found if suggestion), None)
    return [first] if first else _numbers(some, len(names))


def _is_short(name: str) -> bool:
    return len(name) <= 4 * LETTERS and len(name.rpartition("/")[2]) <= LETTERS


def _suggestion(pattern: str, some: Sequence[str], names: int) -> Suggestion | None:
    """Return a pattern with its counts if it finds at least two classes, of several pictures each, in most names."""
    compiled = re.compile(pattern)
    counts = Counter(label for name in some if (label := _matched(compiled, name)))
    return Suggestion(pattern, counts, len(some) < names) if _likely(counts, len(some)) else None


def _likely(counts: Counter[str], names: int) -> bool:
    found = sum(counts.values())
    alone = sum(count == 1 for count in counts.values())
    cameras = sum(counts[label] for label in counts if label.lower().strip("_- ") in CAMERAS)
    return len(counts) > 1 and 2 * found >= names and 4 * alone <= len(counts) and 10 * cameras <= found


def _numbers(some: Sequence[str], names: int) -> list[Suggestion]:
    """Return patterns for the numbers in names that consist of several, except those that differ in every name."""
    shapes = Counter(_shape(name) for name in some)
    if not shapes:
        return []
    shape, count = shapes.most_common(1)[0]
    fields = shape.count("#")
    if not 2 <= fields <= MOST_NUMBERS or 2 * count < len(some):
        return []
    patterns = []
    for place in range(fields):
        before, after = r"\d+[_.-]" * place, r"[_.-]\d+" * (fields - 1 - place)
        patterns.append(rf"(?:^|/){before}(\d+){after}\.[^/]*$")
    made = [found for pattern in patterns if (found := _suggestion(pattern, some, names))]
    return [one for one in made if len(one.counts) <= len(some) / 4]


def _shape(name: str) -> str:
    """Return the stem of a name with # for each number, or an empty text if it has anything else."""
    stem = name.rpartition("/")[2].partition(".")[0]
    return re.sub(r"\d+", "#", stem) if re.fullmatch(r"\d+(?:[_-]\d+)+", stem) else ""


def advice(names: Sequence[str]) -> str:
    """Return what to do with pictures outside class folders: the pattern to paste, or what there is."""
    found = suggestions(names)
    if not found:
        return "move the pictures into class folders, or add a manifest CSV with the columns file_name and label"
    if len(found) == 1:
        return f"the names contain the class: add {found[0]}"
    choices = ", or ".join(str(one) for one in found)
    return f"the file names consist of numbers; if one of them is the class, add {choices}"


def not_matched(label: str, missing: Sequence[str]) -> str:
    """Return the note about pictures whose path does not have a label."""
    more = ", ..." if len(missing) > 1 else ""
    return f"--label {quoted(label)}: {counted(len(missing), 'picture')} without a match left out ({missing[0]}{more})"

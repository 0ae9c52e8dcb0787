"""Turn the label columns of a table into one class per row: words, numbers, one-hot columns, lists of one label."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from tellapart.data.formats._class_names import class_names_beside
from tellapart.data.formats._roles import ONES, Roles
from tellapart.data.formats._table import Table
from tellapart.data.layout import Layout
from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.text import matching, quoted

SURE, UNSURE = ("|", ";"), (",", " ", "+", "/", "&")
"""Separators of several labels in a cell: the second ones are also in names of classes."""

MOST_PARTS = 8
"""Parts of a label whose subsets are compared with other labels, at most."""

MOST_GRADES = 20
"""Fractional numbers that may be classes, at most."""

MOST_COMPARED = 1000
"""Labels whose parts are compared with other labels, at most."""

LEAVE = "use another column (--label COLUMN), or keep only the rows with one label"

COMBINED = f"{LEAVE}; if each combination is a class, list the classes in a file (--classes FILE)"


@dataclass(frozen=True)
class Labels:
    """The classes of a table's rows: `words` [rows] and, in order, the classes if the table or another names them.

    `said` has a line about each inference.
    """

    words: pl.Series
    classes: tuple[str, ...] | None = None
    said: tuple[str, ...] = ()


def labels_of(tree: Tree, table: Table, roles: Roles, layout: Layout) -> Labels:
    """Return the label of every row. Raises DataError for rows with no or several labels, and for several columns."""
    if roles.choices:
        raise DataError(
            f"{table.where}: the columns {' and '.join(map(repr, roles.choices[:5]))} may be the labels",
            "one column of labels",
            f"choose one: {' or '.join(f'--label {quoted(name)}' for name in roles.choices[:5])}",
        )
    if roles.one_hot:
        return _from_one_hot(table, roles.one_hot)
    assert roles.label is not None
    words = _words(table, roles.label)
    check_single(words, table.where, layout.class_names or ())
    _check_measures(words, table.where, roles.label)
    said = [f"label: {place(roles.label)}"]
    if roles.number:
        said[0] += f", the names of {roles.number}"
    numbers = _numbers(words)
    if numbers is None or layout.class_names is not None:
        return Labels(words, said=tuple(said))
    found = class_names_beside(tree, table.name, sorted(numbers, key=int))
    if found is None:
        return Labels(words, said=tuple(said))
    names, source = found
    words = words.replace_strict(names, return_dtype=pl.String)
    return Labels(words, tuple(names[key] for key in sorted(numbers, key=int)), (*said, f"names: from {source}"))


def positions(labels: Labels, where: str, class_names: Sequence[str] | None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Return labels as int64 [rows], and the class names that they index. Raises DataError for unknown names."""
    words = labels.words
    numbers = _numbers(words)
    if numbers is not None and labels.classes is None:
        if class_names is not None:
            return words.cast(pl.Int64).to_numpy(), tuple(class_names)
        order = sorted(numbers, key=int)
    else:
        order = list(class_names or labels.classes or sorted(words.unique().to_list()))
    position = {name: i for i, name in enumerate(order)}
    if class_names is not None:
        position |= {word: position[name] for word in words.unique() if (name := matching(word, position)) in position}
    codes = words.replace_strict(position, default=None, return_dtype=pl.Int64)
    if codes.null_count():
        row = int(codes.is_null().arg_max() or 0)
        raise DataError(
            f"{where}: picture {row} has label {words[row]!r}",
            f"one of the {len(order)} class names: {', '.join(order[:10])}",
            "correct the label, or add the class name",
        )
    return codes.to_numpy().copy(), tuple(order)


def place(column: str) -> str:
    """Return a column in words; those that a table does not name are called `column 1`, or are derived."""
    return column if column.startswith(("column ", "the ")) else f"the column {column}"


def _numbers(words: pl.Series) -> list[str] | None:
    """Return the different labels if all are whole numbers; 007 is a name."""
    different = [str(word) for word in words.unique().to_list()]
    return different if all(word.isdecimal() and str(int(word)) == word for word in different) else None


def _words(table: Table, column: str) -> pl.Series:
    """Return a column of labels as words: without blanks around them, numbers without a zero behind a point."""
    values = table.frame[column]
    if values.dtype != pl.String:
        values = _from_lists(values, table, column)
    values = values.str.strip_chars()
    empty = (values.is_null() | (values == "")).arg_true()
    if len(empty):
        raise DataError(
            f"{table.where}, row {empty[0] + 1}: the column {column!r} is empty", "a value in every row", ""
        )
    different = values.unique().to_list()
    if all(word.startswith(("[", "{")) and word.endswith(("]", "}")) for word in different):
        values = _from_written_lists(values, different, table)
        different = values.unique().to_list()
    if all(re.fullmatch(r"\d+\.0", word) for word in different):  # pandas writes whole numbers in this way
        values = values.str.strip_suffix(".0")
    composed = {word: unicodedata.normalize("NFC", word) for word in different}
    if len(set(composed.values())) < len(composed):  # one name, written with accents of both forms
        values = values.replace_strict(composed, return_dtype=pl.String)
    return values


def _from_lists(values: pl.Series, table: Table, column: str) -> pl.Series:
    counts = values.list.len()
    several = (counts > 1).arg_true()
    if len(several):
        raise several_labels(table.where, several[0] + 1, ", ".join(values[several[0]].to_list()), LEAVE)
    return values.list.first()


def _from_written_lists(values: pl.Series, different: Sequence[str], table: Table) -> pl.Series:
    """Return the items of lists that are written as text, such as `['cat']` or `{"choices": ["cat"]}`."""
    items = {word: _items(word) for word in different}
    if any(words is None for words in items.values()):
        return values
    several = next((word for word, words in items.items() if words is not None and len(words) != 1), None)
    if several is not None:
        row = int((values == several).arg_max() or 0) + 1
        raise several_labels(table.where, row, several, LEAVE)
    return values.replace_strict({word: words[0] for word, words in items.items() if words}, return_dtype=pl.String)


def _items(text: str) -> list[str] | None:
    try:
        content = json.loads(text.replace("'", '"'))
    except (ValueError, RecursionError):
        return None
    content = content.get("choices") if isinstance(content, dict) else content
    return [str(item) for item in content] if isinstance(content, list) else None


def several_labels(where: str, row: int, shown: str, action: str) -> DataError:
    """Return the error for a row with several labels."""
    return DataError(f"{where}, row {row}: has several labels ({shown[:80]})", "one label per picture", action)


def _check_measures(words: pl.Series, where: str, column: str) -> None:
    """Raise DataError for fractional numbers of many kinds, such as prices. A few may be grades: 0.5, 1, 1.5."""
    different = words.unique().to_list()
    if len(different) <= MOST_GRADES or not all(re.fullmatch(r"-?\d*\.?\d+(e-?\d+)?", word) for word in different):
        return
    if any("." in word for word in different):
        shown = ", ".join(words[:3].to_list())
        raise DataError(
            f"{where}: the column {column!r} has measures ({shown}, ...), not classes",
            "words or whole numbers",
            "use another column (--label COLUMN), or replace the measures by ranges",
        )


def check_single(words: pl.Series, where: str, class_names: Sequence[str] = ()) -> None:
    """Raise DataError if cells have several labels: names with a separator whose parts are labels too."""
    counts = dict(words.value_counts().iter_rows())
    for separator in (*SURE, *UNSURE):
        found = _combinations(counts, separator, sure=separator in SURE)
        found = [word for word in found if word not in class_names]
        if found:
            row = min(int((words == word).arg_max() or 0) for word in found) + 1
            raise several_labels(where, row, f"{words[row - 1]!r}", COMBINED)


def _combinations(counts: Mapping[str, int], separator: str, sure: bool) -> list[str]:
    """Return the labels that combine others; none where names contain the separator for another reason."""
    parts = {word: [part.strip() for part in word.split(separator)] for word in counts if separator in word}
    parts = {word: words for word, words in parts.items() if all(words)}
    if sure:
        known = any(part in counts for words in parts.values() for part in words)
        return list(parts) if known or _move(list(parts.values())) else []
    alone = [word for word, words in parts.items() if all(part in counts for part in words)]
    often = [word for word in alone if all(counts[part] >= counts[word] for part in parts[word])]
    if often and 2 * len(alone) >= len(parts):
        return alone
    lists = list(parts.values())
    numbers = bool(parts) and all(part.isdecimal() for word in counts for part in parts.get(word, [word]))
    return list(parts) if (numbers and (separator == " " or _move(lists))) or _mixed(lists) else []


def _mixed(lists: Sequence[Sequence[str]]) -> bool:
    """Return whether a tenth of some labels contain the parts of another one, but not together at one end.

    So do lists of labels, as `a b c d` and `b c`, or `a b` and `b a`. Longer names have those of others at one or both
    ends: `American black bear` and `black bear`, `apple rust leaf` and `apple leaf`.
    """
    known: dict[frozenset[str], set[tuple[str, ...]]] = {}
    for words in lists:
        known.setdefault(frozenset(words), set()).add(tuple(words))
    short = [tuple(words) for words in lists if len(words) <= MOST_PARTS][:MOST_COMPARED]
    found = sum(_has_inside(words, known) for words in short)
    return found > 0 and 10 * found >= len(short)


def _has_inside(words: tuple[str, ...], known: Mapping[frozenset[str], set[tuple[str, ...]]]) -> bool:
    """Return whether another label has some of these words, in another order or not together at one end."""
    return any(
        other not in (words, words[:size], words[len(words) - size :])
        and (other[0], other[-1]) != (words[0], words[-1])
        for size in range(2, len(words) + 1)
        for some in combinations(words, size)
        for other in known.get(frozenset(some), ())
    )


def _move(lists: Sequence[Sequence[str]]) -> bool:
    """Return whether a word is at different places, as in `a|b` and `b|c`; in names, `genus|species`, it is not."""
    places = Counter(word for word, _ in {(word, place) for words in lists for place, word in enumerate(words)})
    return any(count > 1 for count in places.values()) or len(set(map(len, lists))) > 1


def _from_one_hot(table: Table, columns: Sequence[str]) -> Labels:
    ones = table.frame.select(pl.col(name).is_in(ONES).cast(pl.UInt8) for name in columns).to_numpy()
    counts = ones.sum(axis=1)
    if (counts > 1).any():
        row = int(np.argmax(counts > 1))
        named = ", ".join(name for name, one in zip(columns, ones[row], strict=True) if one)
        raise several_labels(table.where, row + 1, named, LEAVE)
    if (counts == 0).any():
        raise DataError(
            f"{table.where}, row {int(np.argmax(counts == 0)) + 1}: has no label",
            f"a 1 in one of the columns {', '.join(columns[:5])}{', ...' if len(columns) > 5 else ''}",
            "",
        )
    names = np.array(columns)[ones.argmax(axis=1)]
    shown = ", ".join(columns[:4]) + (", ..." if len(columns) > 4 else "")
    said = f"label: the column with a 1 ({shown})"
    return Labels(pl.Series(names.tolist(), dtype=pl.String), said=(said,))

"""Read JSON Lines, JSON lists of records and Label Studio's exports as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import polars as pl

from tellapart.data.formats._file_index import stem_of
from tellapart.data.formats._table import Table
from tellapart.data.formats._text_table import HEAD, encoding_of, first_bytes
from tellapart.data.split_names import split_named
from tellapart.data.tree import Tree
from tellapart.errors import DataError
from tellapart.images.read import looks_like_picture

LINES = (".jsonl", ".ndjson")
LARGEST = 2**29
"""Bytes of the largest JSON file that is read, an eighth of it among other files; JSON Lines may be larger."""

MOST_KEYS = 1000
"""Keys of all records that become columns, at most."""

BATCH = 2**15
"""Records that are Python objects at the same time, of JSON Lines."""

COCO = {"images", "annotations"}
"""What a JSON file of boxes or outlines in pictures contains."""


def read_records(tree: Tree, name: str, head: bool = False) -> Table | None:
    """Read a JSON file, or the `head` of JSON Lines, as a table; None where it is not a list of records.

    Raises DataError for damaged files, unless only the head is read, and for boxes in pictures, as in COCO's files.
    """
    if name.lower().endswith(LINES):
        return _read_lines(tree, name, head)
    if tree.size(name) > (LARGEST if tree.single else LARGEST // 8):
        return None
    start = tree.start(name, 256).lstrip(b"\xef\xbb\xbf \r\n\t")
    if not start.startswith((b"[", b"{")):
        return None
    try:
        content = json.loads(tree.read(name).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        if head:
            return None
        raise _damaged(tree, name, str(error)) from error
    return _table(tree, name, content)


def is_coco(tree: Tree, name: str) -> bool:
    """Return whether a JSON file has boxes or outlines in pictures, judged by its first bytes."""
    start = tree.start(name, HEAD)
    return start.lstrip().startswith(b"{") and all(b'"%s"' % word.encode() in start for word in COCO)


def coco_error(tree: Tree, name: str) -> DataError:
    """Return the error for boxes or outlines in pictures."""
    return DataError(
        f"{tree.describe(name)}: is a COCO file, which labels objects in pictures, not pictures",
        "one label per picture",
        "make a table of file_name and label, for example of the pictures that contain one kind of object",
    )


def _read_lines(tree: Tree, name: str, head: bool) -> Table | None:
    data = first_bytes(tree, name) if head else tree.read(name)
    encoding = encoding_of(data) or "utf-8-sig"
    lines = data.decode(encoding, "replace").splitlines()
    if head and tree.size(name) > len(data):
        lines = lines[:-1]
    records = _records_of(tree, name, lines, head)
    frames = []
    while batch := list(islice(records, BATCH)):
        frames.append(_frame(batch))
    frame = pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()
    return Table(name, tree.describe(name), frame)


def _records_of(tree: Tree, name: str, lines: Iterable[str], head: bool) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            if head:
                return
            raise _damaged(tree, f"{name}, line {number}", str(error)) from error
        if not isinstance(record, dict):
            if head:
                return
            raise _damaged(tree, f"{name}, line {number}", "it is not an object in braces")
        yield record


def _damaged(tree: Tree, name: str, reason: str) -> DataError:
    return DataError(
        f"{tree.describe(name)}: is not valid JSON ({reason[:120]})",
        'objects such as {"file_name": "1.jpg", "label": "cat"}',
        "repair or remove it",
    )


def _table(tree: Tree, name: str, content: Any) -> Table | None:
    where = tree.describe(name)
    if isinstance(content, dict):
        by_class = bool(content) and all(isinstance(value, list) for value in content.values())
        if by_class and (table := _by_class(name, where, content)) is not None:
            return table
        if 2 * sum(map(_is_file, content)) > len(content):
            if all(isinstance(value, (str, int)) for value in content.values()):
                pairs = {"file_name": list(content), "label": [str(value) for value in content.values()]}
                return Table(name, where, pl.DataFrame(pairs), header=False)
            if all(isinstance(value, dict) for value in content.values()):
                return Table(name, where, _frame([{"file_name": file, **row} for file, row in content.items()]))
        content = _rows_in(content)
    if not isinstance(content, list) or not content or not all(isinstance(record, dict) for record in content):
        return None
    if any("data" in record and ("annotations" in record or "completions" in record) for record in content[:100]):
        records, skipped = _tasks(content)
        said = f"skipped: {skipped:,} tasks of {name} without a label"
        return Table(name, where, _frame(records), ("Label Studio",), skipped=(said,) if skipped else ())
    return Table(name, where, _frame(content))


def _rows_in(content: dict[str, Any]) -> list[Any] | None:
    """Return the records in `{"data": [...]}`, in pandas' columns of rows, and in pairs of a file and its label.

    The pairs are in `{"labels": [["1.jpg", 0], ...]}` (StyleGAN's dataset.json), or in lists of splits.
    """
    found = next((content[key] for key in ("data", "items", "rows") if isinstance(content.get(key), list)), None)
    if found is not None:
        return list(found)
    columns = list(content.values())
    if len(columns) > 1 and all(isinstance(rows, dict) and rows.keys() == columns[0].keys() for rows in columns):
        return [{name: rows[key] for name, rows in content.items()} for key in columns[0]]
    lists = {key: rows for key, rows in content.items() if isinstance(rows, list)}
    if not lists or not all(_is_pair(row) for rows in lists.values() for row in rows):
        return None
    splits = {key: split_named(key) for key in lists}
    of_split = {} if None in splits.values() else {key: {"split": split} for key, split in splits.items()}
    return [
        {"file_name": row[0], **dict(zip(("label", "label name"), row[1:], strict=False)), **of_split.get(key, {})}
        for key, rows in lists.items() for row in rows
    ]  # fmt: skip


def _is_pair(row: Any) -> bool:
    """Return whether a list is a file, its label, and perhaps the name of its class."""
    return isinstance(row, list) and 2 <= len(row) <= 3 and isinstance(row[0], str) and _is_file(row[0])


def _is_file(name: str) -> bool:
    return stem_of(name) != name and looks_like_picture(name)


def _by_class(name: str, where: str, content: dict[str, list[Any]]) -> Table | None:
    """Return the rows of `{"cat": ["1.jpg", "2.jpg"], "dog": [...]}`; None for other lists."""
    rows = [(file, label) for label, files in content.items() for file in files if isinstance(file, str)]
    if not rows or sum(_is_file(file) for file, _ in rows) < 0.5 * len(rows):
        return None
    return Table(name, where, pl.DataFrame(rows, ["file_name", "label"], orient="row"), header=False)


def _tasks(tasks: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], int]:
    """Return a record for each annotation of Label Studio's tasks, and the number of tasks without a label.

    Annotators who agree make one record.
    """
    records, skipped = [], 0
    for task in tasks:
        data = task.get("data") if isinstance(task.get("data"), dict) else {}
        found = [_choices(annotation) for annotation in task.get("annotations") or task.get("completions") or ()]
        labels = list({json.dumps(choices): choices for choices in found if choices}.values())
        records += [{**(data or {}), "choice": choices} for choices in labels]
        skipped += not labels
    return records, skipped


def _choices(annotation: Any) -> list[str]:
    """Return the choices of one annotation, unless it was cancelled."""
    if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
        return []
    results = annotation.get("result") or ()
    values = [result.get("value", {}) for result in results if isinstance(result, dict)]
    return [str(choice) for value in values if isinstance(value, dict) for choice in value.get("choices") or ()]


def _frame(records: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return records as a table, those inside as columns such as `label.name`; other values than lists are text."""
    records = [_flat(record) if any(isinstance(v, dict) for v in record.values()) else record for record in records]
    names = list(dict.fromkeys(key for record in records for key in record))[:MOST_KEYS]
    return pl.DataFrame([_series(name, [record.get(name) for record in records]) for name in names])


def _flat(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record without the records inside it, but for Label Studio's choices."""
    flat: dict[str, Any] = {}
    for key, value in record.items():
        inside = isinstance(value, dict) and "choices" not in value
        flat |= {f"{key}.{name}": item for name, item in value.items()} if inside else {key: value}
    return flat


def _series(name: str, values: list[Any]) -> pl.Series:
    values = [value["choices"] if isinstance(value, dict) and "choices" in value else value for value in values]
    if any(isinstance(value, list) for value in values):
        lists = [None if value is None else value if isinstance(value, list) else [value] for value in values]
        words = [None if value is None else [_text(item) or "" for item in value] for value in lists]
        return pl.Series(name, words, pl.List(pl.String))
    return pl.Series(name, [_text(value) for value in values], pl.String)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (dict, list)):
        return None
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "replace").decode()  # a lone surrogate is not text

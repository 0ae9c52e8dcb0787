"""A table that lists picture files and their labels: CSV, TSV, Parquet, JSON Lines, JSON or a text list.

The columns are found by their names and values, the files also in subfolders and without extension. Or one table per
split, known by its name or its folder's: `train.csv` and `test.csv`, `train/metadata.jsonl` ...
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from tellapart.data.collection import Collection
from tellapart.data.formats import _choice, _file_index
from tellapart.data.formats._choice import Candidate, Choice, choose, clash_error, incomplete, is_submission, not_used
from tellapart.data.formats._labels import Labels, positions
from tellapart.data.formats._match import Match
from tellapart.data.formats._pictures import picture_files, png
from tellapart.data.formats._records import coco_error
from tellapart.data.formats._repeats import first_rows
from tellapart.data.formats._roles import NO_ROLES
from tellapart.data.formats._rows import (
    Rows,
    joined_columns,
    joined_files,
    joined_groups,
    missing_error,
    place_of,
    read_as,
    read_rows,
)
from tellapart.data.formats._tables import empty_error, read_table
from tellapart.data.formats._unlisted import contradicted, files_of, unlisted
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.tree import Tree
from tellapart.data.words import Words
from tellapart.errors import DataError

USES = ("label", "image_column", "images", "split_column", "delimiter")
"""What of a Layout this format honours."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match tables with columns of files and labels; those whose files do not exist match less than class folders."""
    choice = choose(tree, layout)
    if not choice.tables:
        if layout.label is not None and _is_for_paths(layout.label):
            return Match.NONE
        return Match.INCOMPLETE if choice.coco or incomplete(tree, choice) else Match.NONE
    if len(tree.picture_folders - {""}) > 1 and (choice.clash or not _is_evident(choice)):
        return Match.INCOMPLETE
    existing = any(one.found >= 0.5 for one in choice.tables)
    return Match.COLUMNS if existing or tree.single or not tree.picture_folders else Match.INCOMPLETE


def _is_for_paths(label: str) -> bool:
    return label in ("parent", "grandparent") or re.search(r"[(\[\\*+?^$|]", label) is not None


def _is_evident(choice: Choice) -> bool:
    """Return whether the labels of tables in a tree of folders are certain: called so, or of files in one folder."""
    return all(
        one.found >= 0.5 and (one.roles.named or bool(one.roles.one_hot) or one.one_folder) for one in choice.tables
    )


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Missing files are skipped later; the notes name them where most are missing."""
    choice = choose(tree, layout)
    try:
        if choice.clash:
            raise clash_error(tree, choice)
        if not choice.tables:
            raise _fault(tree, choice, layout)
        parts = [_read_one(tree, one, layout) for one in choice.tables]
        return _joined(tree, choice, parts, layout)
    finally:
        _choice.forget(tree)
        _file_index.forget(tree)


def _read_one(tree: Tree, candidate: Candidate, layout: Layout) -> Rows:
    table = read_table(tree, candidate.name, layout)
    if table is None or not table.frame.height:
        raise empty_error(tree, candidate.name)
    return read_rows(tree, table, layout)


def _fault(tree: Tree, choice: Choice, layout: Layout) -> Exception:
    """Return the error that explains why no table can be read."""
    meant = incomplete(tree, choice)
    faults = [one.fault for one in ([meant] if meant else choice.others) if one.fault is not None]
    if faults:
        return faults[0]
    if meant is not None and meant.usable and is_submission(meant):
        return DataError(
            f"{tree.describe(meant.name)}: its name is that of a submission file, and no other table has labels",
            "a table of the labels of the pictures",
            "give the path of the table itself if its labels are right",
        )
    if choice.coco is not None and (meant is None or not meant.roles.file):
        return coco_error(tree, choice.coco)
    name = meant.name if meant else tree.names[0]
    table = read_table(tree, name, layout)  # which may find a fault behind the first rows
    if table is None or not table.frame.height:
        return empty_error(tree, name)
    return missing_error(table, meant.roles if meant else NO_ROLES)


def _joined(tree: Tree, choice: Choice, parts: Sequence[Rows], layout: Layout) -> Collection:
    """Return the collection of the rows of one table, or of one per split."""
    names = [one.name for one in choice.tables]
    labels, classes = positions(_labels(parts), tree.describe(names[0]), layout.class_names)
    files, splits, groups = joined_files(parts), _splits(choice, parts), joined_groups(parts)
    kept: np.ndarray | None = None
    notes: list[str] = []
    if len(parts) > 1 or not parts[0].files.distinct:
        kept, notes = first_rows(files, labels, splits, classes, lambda i: place_of(parts, i))
    if kept is not None:
        labels, files = labels[kept], Words.of([file for file, keep in zip(files, kept.tolist(), strict=True) if keep])
        splits, groups = (None if column is None else column[kept] for column in (splits, groups))
    skipped, left = unlisted(tree, files, set(classes), names, files_of(tree, choice.others, layout))
    if splits is not None and len(parts) > 1 and any(part.splits is None for part in parts):
        skipped = [f"split: from the names of the tables ({', '.join(names)})", *skipped]
    return Collection(
        name=tree.path.stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=classes,
        labels=labels,
        keys=files,
        pictures=picture_files(tree, files, names),
        splits=splits,
        groups=groups,
        columns=joined_columns(parts, kept),
        notes=(*_missing(parts), *notes, *left, *contradicted(tree, files, labels, classes, names)),
        inferred=(
            read_as([part.table for part in parts]),
            *dict.fromkeys(line for part in parts for line in part.said),
            *skipped,
            *not_used(choice),
        ),
    )


def _labels(parts: Sequence[Rows]) -> Labels:
    if len(parts) == 1:
        return parts[0].labels
    words = pl.concat([part.labels.words.alias("label") for part in parts])
    ordered = [part.labels.classes for part in parts]
    if any(classes is None for classes in ordered):
        return Labels(words)
    return Labels(words, tuple(dict.fromkeys(name for classes in ordered for name in classes or ())))


def _splits(choice: Choice, parts: Sequence[Rows]) -> np.ndarray | None:
    """Return the splits [n], from a column of the table or, if there are several tables, from their names."""
    if len(parts) == 1 or (len({one.split for one in choice.tables}) == 1 and parts[0].splits is None):
        return parts[0].splits
    return np.concatenate([
        part.splits if part.splits is not None else np.full(len(part), one.split or "train", "<U10")
        for one, part in zip(choice.tables, parts, strict=True)
    ])  # fmt: skip


def _missing(parts: Sequence[Rows]) -> list[str]:
    """Return notes about tables most of whose files do not exist, with what was tried."""
    return [
        f"most files in the column {part.roles.file} of {part.table.name} do not exist ({part.files.names[0]}, ...): "
        "looked for them as written, in subfolders, with any picture's extension and by the ends of their paths; "
        "--images gives their folder"
        for part in parts
        if part.files.found < 0.5
    ]


def write(collection: Collection, folder: Path) -> None:
    """Write `manifest.csv` and a folder `pictures` of PNG files."""
    (folder / "pictures").mkdir()
    files = [f"pictures/{i:06d}.png" for i in range(len(collection))]
    for i, file in enumerate(files):
        (folder / file).write_bytes(png(collection, i))
    table = {"file_name": files, "label": [collection.label(i) for i in range(len(collection))]}
    if collection.splits is not None:
        table["split"] = collection.splits.tolist()
    if collection.groups is not None:
        table["group"] = collection.groups.tolist()
    pl.DataFrame(table).write_csv(folder / "manifest.csv")

"""Choose the tables of a tree that list its pictures: one, or one per split; and name those that are not used."""

from __future__ import annotations

import posixpath
import re
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tellapart.data.formats._file_index import FileIndex, split_of_table
from tellapart.data.formats._records import LINES, is_coco
from tellapart.data.formats._roles import NO_ROLES, SURE_FILES, Roles, find_roles
from tellapart.data.formats._table import Table, canonical
from tellapart.data.formats._tables import read_table, table_files
from tellapart.data.layout import Layout
from tellapart.data.tree import Tree
from tellapart.errors import DataError, TellapartError, UsageError

SUBMISSION = re.compile(r"submission|submit|sample[-_ ]?sub|solution|predict|(^|[-_])results?([-_.]|$)")
"""What tables of answers are called: of a competition, or of a model."""

SHARD = re.compile(r"-\d+-of-\d+\.\w+$")
"""How the pieces of a table end that was saved in several files: `train-00000-of-00002.parquet`."""

MANIFESTS = ("manifest", "metadata")
"""Names of tables that are preferred to others."""

FEW_COLUMNS = 16
"""A table with more columns and without files is of pixels or features."""


@dataclass(frozen=True)
class Candidate:
    """A table that may list the pictures: its first rows, its columns, the share of their files that exists.

    `one_folder` is whether the files are in one folder, so that folders cannot be classes.
    `fault` is the error of reading it or of a column that was given and that it does not have.
    """

    name: str
    table: Table | None = None
    roles: Roles = NO_ROLES
    found: float = 0
    one_folder: bool = False
    fault: TellapartError | None = None

    @property
    def usable(self) -> bool:
        """Whether it has files and labels."""
        return self.table is not None and bool(self.roles.file) and self.roles.labelled

    @property
    def by_name(self) -> bool:
        """Whether its column of files is known by its name, so that files may be missing."""
        return bool(self.roles.file) and canonical(self.roles.file or "") in SURE_FILES

    @property
    def split(self) -> str | None:
        """The split in its name or that of its folder."""
        return split_of_table(self.name)


@dataclass(frozen=True)
class Choice:
    """The tables to read, and the others. `clash` is whether the chosen ones cannot be read together."""

    tables: tuple[Candidate, ...] = ()
    others: tuple[Candidate, ...] = ()
    clash: bool = False
    coco: str | None = None


_CHOICES: weakref.WeakKeyDictionary[Tree, dict[tuple[str, ...], Choice]] = weakref.WeakKeyDictionary()


def choose(tree: Tree, layout: Layout) -> Choice:
    """Return the tables that list the pictures of a tree; cached until `forget`."""
    known = _CHOICES.setdefault(tree, {})
    key = tuple(f"{name}={value}" for name, value in layout.said.items())
    if key not in known:
        known[key] = _choice(tree, [_candidate(tree, name, layout) for name in table_files(tree)])
    return known[key]


def forget(tree: Tree) -> None:
    """Free the memory of `choose`."""
    _CHOICES.pop(tree, None)


def _candidate(tree: Tree, name: str, layout: Layout) -> Candidate:
    try:
        table = read_table(tree, name, layout, head=True)
        if table is None or not table.columns:
            return Candidate(name)
        index = FileIndex(tree, name, layout.images)
        if table.is_list and index.share(table.sample(table.columns[0])) < 0.5:
            return Candidate(name)
        return _with_roles(Candidate(name, table), index, layout)
    except (DataError, UsageError) as error:
        return Candidate(name, fault=error)


def _with_roles(candidate: Candidate, index: FileIndex, layout: Layout) -> Candidate:
    table = candidate.table
    assert table is not None
    try:
        roles = find_roles(table, index, layout)
    except UsageError as error:
        return replace(candidate, fault=error)
    if not roles.file:
        return replace(candidate, roles=roles)
    values = table.sample(roles.file)
    by_number = all(map(str.isdecimal, values)) and canonical(roles.file) not in SURE_FILES
    if by_number and candidate.split is None and not index.covers(values, table.frame.height):
        return replace(candidate, roles=replace(roles, file=None))
    return replace(candidate, roles=roles, found=index.share(values), one_folder=len(index.folders(values)) == 1)


def _choice(tree: Tree, candidates: Sequence[Candidate]) -> Choice:
    usable = [one for one in candidates if one.usable]
    existing = [one for one in usable if one.found >= 0.5]
    usable = existing or [one for one in usable if one.by_name or one.found or not tree.picture_folders]
    real = [one for one in usable if not is_submission(one)]
    usable = real if real or not tree.single else usable
    usable = [one for one in usable if one.roles.named or one.roles.one_hot] or usable
    top = min((one.name.count("/") for one in usable), default=0)
    chosen = _preferred([one for one in usable if one.name.count("/") == top])
    clash = len(chosen) > 1 and not _are_splits(chosen)
    coco = next((one.name for one in candidates if one.name.endswith(".json") and is_coco(tree, one.name)), None)
    return Choice(tuple(chosen), tuple(one for one in candidates if one not in chosen), clash, coco)


def is_submission(candidate: Candidate) -> bool:
    """Return whether a table is called like answers, whose labels are examples or those of a model."""
    return bool(SUBMISSION.search(posixpath.basename(candidate.name).lower()))


def _is_wide(candidate: Candidate) -> bool:
    return candidate.table is not None and len(candidate.table.columns) > FEW_COLUMNS


def _preferred(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Return those that are one per split, if some are, or else the one that is called a manifest."""
    of_splits = [one for one in candidates if one.split]
    if len(of_splits) > 1 and _are_splits(of_splits):
        return of_splits
    manifests = [one for one in candidates if posixpath.splitext(posixpath.basename(one.name))[0].lower() in MANIFESTS]
    if len(candidates) > 1 and len(manifests) == 1:
        return manifests
    tables = [one for one in candidates if one.table is not None and not one.table.is_list]
    return tables if tables and len(tables) < len(candidates) else list(candidates)


def _are_splits(candidates: Sequence[Candidate]) -> bool:
    """Return whether tables belong together: each of another split, or numbered pieces of one table."""
    if all(SHARD.search(one.name) for one in candidates):
        return True
    splits = [one.split for one in candidates]
    return None not in splits and len(set(splits)) == len(splits)


def clash_error(tree: Tree, choice: Choice) -> DataError:
    """Return the error for several tables that may be meant."""
    names = [one.name for one in choice.tables]
    return DataError(
        f"{tree.path}: contains several tables of picture files ({', '.join(names[:5])})",
        "one table, or one per split, named train.csv, validation.csv, test.csv",
        "give the path of the table to read",
    )


def incomplete(tree: Tree, choice: Choice) -> Candidate | None:
    """Return the table that was probably meant where none is complete: with files, or with labels among pictures."""

    def rank(one: Candidate) -> int:
        named = posixpath.splitext(posixpath.basename(one.name))[0].lower() in MANIFESTS
        few = one.table is not None and len(one.table.columns) <= FEW_COLUMNS
        if isinstance(one.fault, UsageError):
            return 5
        if tree.single and one.name.lower().endswith((".json", *LINES)):
            return 1
        return 4 * bool(one.roles.file) + 3 * named + 2 * (one.roles.named and few and bool(tree.picture_folders))

    best = max(choice.others, key=rank, default=None)
    return best if best is not None and rank(best) else None


def not_used(choice: Choice) -> list[str]:
    """Return a line that names the tables of files, and of pixels, which are not read."""
    names = [one.name for one in choice.others if one.roles.file or is_submission(one) or _is_wide(one)]
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return [f"not used: {', '.join(names[:5])}{more}"] if names else []

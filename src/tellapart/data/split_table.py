"""The split table: which picture is in which split. Given splits are kept, missing ones are drawn from training."""

from __future__ import annotations

import base64
import csv
import io
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.split_names import SPLITS
from tellapart.data.splitting import assign_splits
from tellapart.errors import DataError, UsageError
from tellapart.files import sha256, write_text
from tellapart.text import percent

CONTENT, IDENTITY = "content", "identity"
"""The column of a saved split table that identifies pictures: by content or, in the first versions, name and size."""

GROUP = "group"
"""The column of a saved split table with the groups, if the collection has any."""

_CODED = ("test", "train", "validation")

SAMPLED = 16
"""Files that are read to find out whether other files have replaced them under the same names."""

MOST_BYTES = 2**31
"""If all files together have more bytes than this, pictures are identified by name and size only."""


@dataclass(frozen=True)
class SplitTable:
    """Which picture is in which split.

    Attributes:
        splits: `train`, `validation` or `test` per picture, strings [count].
        origin: Where each split comes from, as text for reports.
        leaked: Validation and test pictures with duplicates in training (or test pictures with duplicates in
            validation), int64 ascending. Only splits of the source can have them.
    """

    splits: np.ndarray
    origin: dict[str, str]
    leaked: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def indices(self, split: str) -> np.ndarray:
        """Return the pictures of a split, int64 [n], ascending."""
        return np.flatnonzero(self.splits == split)

    def counts(self) -> dict[str, int]:
        """Count the pictures per split."""
        return {split: int((self.splits == split).sum()) for split in SPLITS}

    def leaks(self, split: str) -> np.ndarray:
        """Return the leaked pictures of a split, int64 [n], ascending."""
        leaked: np.ndarray = self.leaked[self.splits[self.leaked] == split]
        return leaked

    def without_validation(self) -> SplitTable:
        """Return a table with the validation pictures moved to training."""
        if not self.counts()["validation"]:
            return self
        splits = np.where(self.splits == "validation", "train", self.splits)
        origin = self.origin | {"train": f"{self.origin['train']}, including the validation split"}
        return SplitTable(splits, origin, self.leaks("test"))

    @property
    def digest(self) -> str:
        """The SHA-256 of the splits, in hexadecimal."""
        return sha256(",".join(self.splits.tolist()).encode())

    def pack(self) -> dict[str, Any]:
        """Return the table as JSON values, for `unpack_splits`."""
        codes = np.searchsorted(_CODED, self.splits).astype(np.uint8)
        bits = np.packbits(np.unpackbits(codes[:, None], axis=1)[:, -2:].ravel())
        splits = base64.b85encode(zlib.compress(bits.tobytes(), 9)).decode("ascii")
        return {"splits": splits, "leaked": self.leaked.tolist()}

    def __str__(self) -> str:
        shown = (f"{split} {n:,} ({self.origin[split]})" for split, n in self.counts().items() if n)
        return ", ".join(shown)

    def save(self, path: Path, collection: Collection) -> None:
        """Write a CSV `index,key,label,split,content`, a row per picture; `content` is its `Collection.identity`.

        If the collection has groups, a column `group` names the one of each picture.
        """
        content = collection.bytes_in_all() <= MOST_BYTES
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        everything = np.arange(len(collection))
        columns: dict[str, Sequence[object]] = {
            "index": everything.tolist(),
            "key": collection.keys,
            "label": [collection.label(i) for i in everything.tolist()],
            "split": self.splits.tolist(),
            CONTENT if content else IDENTITY: collection.identities(everything, content),
        }
        if collection.groups is not None:
            columns[GROUP] = collection.groups.tolist()
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))
        write_text(path, buffer.getvalue())


def make_splits(
    collection: Collection,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    same: Sequence[tuple[int, ...]] = (),
    exact: Sequence[tuple[int, ...]] = (),
) -> SplitTable:
    """Assign every picture to a split.

    Splits of the source are kept. A missing test split is the fraction `test` of the training pictures, a missing
    validation split the fraction `validation` of the rest; 0 means no such split. Each class is split in proportion,
    with at least one picture. Groups stay together, and so do duplicates: `same` are tuples of their positions. If a
    split then has less than a quarter of its pictures, only the exact duplicates `exact` stay together: large sets of
    near-duplicates are pictures with one layout, not copies. The same collection, fractions and seed always give the
    same splits.

    Raises UsageError for fractions outside 0..1, and DataError if a class is too small or there is no training split.
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:
            raise UsageError(
                f"--{name} {fraction}", "a fraction from 0 up to, but not including, 1", "use 0.2, for example"
            )
    given = collection.given_splits
    if given and "train" not in given:
        raise DataError(
            f"{collection.source}: has only the {' and '.join(given)} split", "a training split", "add a train split"
        )
    wanted = {"test": test, "validation": validation}
    fractions = {split: fraction for split, fraction in wanted.items() if split not in given and fraction > 0}
    _check_sizes(collection, _training(collection), tuple(fractions))
    origin = dict.fromkeys(given or ("train",), "given" if given else "the rest")
    if fractions and "train" in given:
        origin["train"] = "the rest of the given split"
    how = "stratified" if collection.groups is None else "whole groups, stratified"
    splits, only_exact = _assign(collection, fractions, seed, same, exact)
    if only_exact:
        how += ", too many near-duplicates: only exact duplicates stay together"
    for split in fractions:
        if not (splits == split).any():
            raise DataError(
                f"{collection.source}: too many duplicates: no pictures are left for the {split} split",
                "different pictures for every split",
                f"add pictures, remove duplicates (tellapart check --write-manifest), or omit the split: --{split} 0",
            )
        remaining = (splits == split) | (splits == "train") | ((splits == "validation") & ("validation" in fractions))
        share = (splits == split).sum() / remaining.sum()
        missing = set(collection.labels[splits == "train"].tolist()) - set(collection.labels[splits == split].tolist())
        of_training = f"{percent(share, digits=0)} of training"
        origin[split] = f"{of_training}, {how}, seed {seed}{_without(collection, sorted(missing))}"
    return SplitTable(splits, origin, _leaked(splits, same))


def _assign(
    collection: Collection,
    fractions: Mapping[str, float],
    seed: int,
    same: Sequence[tuple[int, ...]],
    exact: Sequence[tuple[int, ...]],
) -> tuple[np.ndarray, bool]:
    """Return the splits [n], and whether only exact duplicates stay together, because that leaves fuller splits."""
    best, fullest, only_exact, fault = None, -1.0, False, None
    for together in (same,) if list(exact) == list(same) else (same, exact):
        try:
            splits = assign_splits(collection, fractions, seed, together)
        except DataError as error:
            fault = fault or error
            continue
        full = min(((splits == split).sum() / count for split, count in _quarters(collection, fractions)), default=1.0)
        if min(full, 1.0) > fullest:  # a quarter is enough: more is not worth separating near-duplicates
            best, fullest, only_exact = splits, min(full, 1.0), together is not same
        if fullest == 1:
            break
    if best is None:
        assert fault is not None
        raise fault
    return best, only_exact


def _without(collection: Collection, classes: Sequence[int]) -> str:
    """Return a phrase that names the classes which a split lacks; "" if there are none."""
    shown = ", ".join(collection.class_names[c] for c in classes[:5])
    more = f" and {len(classes) - 5} more" if len(classes) > 5 else ""
    return f", without {shown}{more}" if classes else ""


def _training(collection: Collection) -> np.ndarray:
    """Return the pictures, int64 [n], that the source does not assign to validation or test."""
    return np.arange(len(collection)) if collection.splits is None else np.flatnonzero(collection.splits == "train")


def _quarters(collection: Collection, fractions: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return, for each new split, a quarter of the number of pictures that it should have."""
    quarters, left = [], float(len(_training(collection)))
    for split, fraction in fractions.items():
        quarters.append((split, 0.25 * fraction * left))
        left *= 1 - fraction
    return quarters


def groups_across_splits(collection: Collection, split_table: SplitTable, split: str) -> np.ndarray:
    """Return the pictures of a split, int64 [n], whose group is in training too. Splits of the source may have them."""
    if collection.groups is None:
        return np.empty(0, np.int64)
    in_training = np.isin(collection.groups, collection.groups[split_table.splits == "train"])
    return np.flatnonzero((split_table.splits == split) & in_training)


def unpack_splits(collection: Collection, packed: Mapping[str, Any]) -> SplitTable:
    """Return the split table that `pack` made of this collection. Raises DataError if it is damaged or does not fit."""
    size = -(-len(collection) // 4)
    try:
        if "splits" not in packed:  # the first versions stored the arguments
            return make_splits(collection, **packed)
        data = zlib.decompressobj().decompress(base64.b85decode(packed["splits"]), size + 1)
        codes = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 2)[: len(collection)] @ np.array([2, 1])
        splits = np.array(_CODED, "<U10")[codes]
        leaked = np.array(packed["leaked"], np.int64)
        if len(data) != size or not np.isin(leaked, np.arange(len(collection))).all():
            raise ValueError("it belongs to other pictures")
    except (ValueError, IndexError, TypeError, KeyError, zlib.error) as error:
        raise DataError(
            f"{collection.source}: the split table in the model file cannot be read ({error})",
            "the splits of its training",
            "train the model again, or evaluate it with --split all",
        ) from error
    return SplitTable(splits, dict.fromkeys(SPLITS, "as in training"), leaked)


def check_trainable(collection: Collection, split_table: SplitTable) -> None:
    """Raise DataError unless there are two classes or more, and each class of any split has training pictures."""
    counts = collection.class_counts(split_table.indices("train"))
    if len(collection.class_names) < 2:
        raise DataError(
            f"{collection.source}: has only one class, {collection.class_names[0]!r}",
            "at least two classes",
            "add a folder (or label) for pictures that do not belong to this class",
        )
    for c in np.flatnonzero(counts == 0):
        name = collection.class_names[c]
        where = [split for split in ("validation", "test") if collection.class_counts(split_table.indices(split))[c]]
        if where:
            raise DataError(
                f"{collection.source}: the class {name!r} is in {' and '.join(where)}, but not in training",
                "every class among the training pictures",
                "add training pictures of it, or remove it from the other splits (check for a misspelt folder name)",
            )
        raise DataError(
            f"{collection.source}: the class {name!r} has no pictures", "pictures of every class", "remove the class"
        )


def _check_sizes(collection: Collection, train: np.ndarray, new: tuple[str, ...]) -> None:
    """Raise DataError if a class has fewer training pictures than there are splits to fill."""
    needed = 1 + len(new)
    counts = collection.class_counts(train)
    small = [c for c in np.flatnonzero(counts) if counts[c] < needed]
    if small:
        c = small[0]
        more = f" (and {len(small) - 1} more classes have too few)" if len(small) > 1 else ""
        raise DataError(
            f"{collection.source}: the class {collection.class_names[c]!r} has {counts[c]} "
            f"picture{'' if counts[c] == 1 else 's'}{more}",
            f"at least {needed}, one each for {', '.join(('train', *new))}",
            "add pictures, remove the class, or assign the splits yourself",
        )


def _leaked(splits: np.ndarray, same: Sequence[tuple[int, ...]]) -> np.ndarray:
    """Return the pictures of validation and test with duplicates in an earlier split, int64 ascending."""
    leaked: list[int] = []
    for duplicates in same:
        group = np.array(duplicates)
        for split, earlier in (("validation", ("train",)), ("test", ("train", "validation"))):
            if np.isin(splits[group], earlier).any():
                leaked += group[splits[group] == split].tolist()
    return np.array(sorted(leaked), np.int64)


def read_seen(path: Path) -> tuple[set[str], bool] | None:
    """Read from a saved split table the identities of the training and validation pictures.

    Also returns whether these are by content, see `Collection.identity`. Returns None if the file is not a saved split
    table.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames or ()
        content = CONTENT in names
        if "split" not in names or not (content or IDENTITY in names):
            return None
        column = CONTENT if content else IDENTITY
        return {row[column] for row in rows if row["split"] in ("train", "validation")}, content


def read_groups(path: Path) -> np.ndarray | None:
    """Read from a saved split table the groups of its pictures, strings [n]; None if it has none."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        return np.array([row[GROUP] for row in rows]) if GROUP in (rows.fieldnames or ()) else None


def is_of(path: Path, collection: Collection) -> bool:
    """Return whether a saved split table belongs to the files of a collection, judged by a sample of them.

    True for arrays and for tables without content hashes.
    """
    if not isinstance(collection.pictures, EncodedPictures):
        return True  # their fingerprint covers the pixels
    wanted = np.unique(np.linspace(0, len(collection) - 1, SAMPLED).astype(np.int64))
    identities = {str(i): content for i, content in zip(wanted, collection.identities(wanted, True), strict=True)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"index", CONTENT} <= set(rows.fieldnames or ()):
            return True
        return all(identities.get(row["index"], row[CONTENT]) == row[CONTENT] for row in rows)

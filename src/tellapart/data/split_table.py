"""Which picture is in which part: given parts are kept, missing ones cut from training; how a split is remembered."""

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
from tellapart.data.cutting import cut_splits
from tellapart.data.split_names import SPLITS
from tellapart.errors import DataError, UsageError
from tellapart.files import sha256, write_text

CONTENT, IDENTITY = "content", "identity"
"""What pictures are known by in a saved split: their content or, as the first versions had it, name and size."""

_CODED = ("test", "train", "validation")

SAMPLED = 16
"""So many files are read to know whether others have taken their names."""

MOST_BYTES = 2**31
"""Files of more bytes together are not read once more for that."""


@dataclass(frozen=True)
class SplitTable:
    """`parts` [count] names the part of every picture; `origin` says in words where each part came from.

    `leaked` are the pictures of test and validation splits that the source gives, int64 ascending, which show the same
    as one in training (or, of the test split, in validation).
    """

    splits: np.ndarray
    origin: dict[str, str]
    leaked: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))

    def indices(self, split: str) -> np.ndarray:
        """The pictures of a part, int64 [n], ascending."""
        return np.flatnonzero(self.splits == split)

    def counts(self) -> dict[str, int]:
        """Pictures a part."""
        return {split: int((self.splits == split).sum()) for split in SPLITS}

    def leaks(self, split: str) -> np.ndarray:
        """The leaked pictures of a part, int64 [n], ascending."""
        result: np.ndarray = self.leaked[self.splits[self.leaked] == split]
        return result

    def without_validation(self) -> SplitTable:
        """The same, with the pictures of the validation split in training."""
        if not self.counts()["validation"]:
            return self
        splits = np.where(self.splits == "validation", "train", self.splits)
        origin = self.origin | {"train": f"{self.origin['train']}, with the validation split"}
        return SplitTable(splits, origin, self.leaks("test"))

    @property
    def digest(self) -> str:
        """A SHA-256 of which picture is in which part."""
        return sha256(",".join(self.splits.tolist()).encode())

    def pack(self) -> dict[str, Any]:
        """Plain values that `unpack_split` makes the same parts from."""
        codes = np.searchsorted(_CODED, self.splits).astype(np.uint8)
        bits = np.packbits(np.unpackbits(codes[:, None], axis=1)[:, -2:].ravel())
        splits = base64.b85encode(zlib.compress(bits.tobytes(), 9)).decode("ascii")
        return {"splits": splits, "leaked": self.leaked.tolist()}

    def __str__(self) -> str:
        shown = (f"{split} {n:,} ({self.origin[split]})" for split, n in self.counts().items() if n)
        return ", ".join(shown)

    def save(self, path: Path, collection: Collection) -> None:
        """Write `index,key,label,split,content`, a row a picture; see `identity` of Collection for the last."""
        content = collection.bytes_in_all() <= MOST_BYTES
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(("index", "key", "label", "split", CONTENT if content else IDENTITY))
        writer.writerows(
            (i, key, collection.label(i), split, known)
            for i, (key, split, known) in enumerate(
                zip(
                    collection.keys,
                    self.splits,
                    collection.identities(np.arange(len(collection)), content),
                    strict=True,
                )
            )
        )
        write_text(path, buffer.getvalue())


def make_splits(
    collection: Collection,
    validation: float = 0.1,
    test: float = 0.2,
    seed: int = 0,
    same: Sequence[tuple[int, ...]] = (),
    exact: Sequence[tuple[int, ...]] = (),
) -> SplitTable:
    """Assign every picture to a part.

    Parts that the source gives are kept. A missing test split is `test` of the training pictures, a missing validation
    part `validation` of those that remain; 0 leaves a part out. Each class is cut in proportion, by at least one
    picture; groups stay together, and so do pictures that show the same: `same` are tuples of their places. Where that
    leaves less than a quarter of a part that was asked for, only those of `exact` do, the very same pictures: so many
    that are nearly the same are no copies, but of one layout. The same collection, fractions and seed give the same
    split.

    Raises UsageError for fractions outside 0..1, DataError where a class is too small or there is no training split.
    """
    for name, fraction in (("validation", validation), ("test", test)):
        if not 0 <= fraction < 1:
            raise UsageError(f"--{name} {fraction}", "a fraction from 0 up to, but not including, 1", "give 0.2, say")
    given = collection.given_splits
    if given and "train" not in given:
        raise DataError(
            f"{collection.source}: has the part {' and '.join(given)} only", "a part to train on", "add a train split"
        )
    wanted = {"test": test, "validation": validation}
    cuts = {split: fraction for split, fraction in wanted.items() if split not in given and fraction > 0}
    _check_sizes(collection, _learnt(collection), tuple(cuts))
    origin = dict.fromkeys(given or ("train",), "given" if given else "the rest")
    if cuts and "train" in given:
        origin["train"] = "what remains of it"
    how = "stratified" if collection.groups is None else "whole groups, stratified"
    splits, alike = _cut(collection, cuts, seed, same, exact)
    if alike:
        how += ", so much alike that only exact copies stay together"
    for split in cuts:
        if not (splits == split).any():
            raise DataError(
                f"{collection.source}: so many of its pictures show the same that none are left for {split}",
                "different pictures for every part",
                f"add pictures, leave duplicates out (tellapart check --write-manifest), or do without: --{split} 0",
            )
        remaining = (splits == split) | (splits == "train") | ((splits == "validation") & ("validation" in cuts))
        share = (splits == split).sum() / remaining.sum()
        lacking = set(collection.labels[splits == "train"].tolist()) - set(collection.labels[splits == split].tolist())
        origin[split] = f"{share:.0%} of training, {how}, seed {seed}{_none_of(collection, sorted(lacking))}"
    return SplitTable(splits, origin, _leaked(splits, same))


def _cut(
    collection: Collection,
    cuts: Mapping[str, float],
    seed: int,
    same: Sequence[tuple[int, ...]],
    exact: Sequence[tuple[int, ...]],
) -> tuple[np.ndarray, bool]:
    """The parts [n], and whether only exact copies stay together in them, since that leaves fuller parts."""
    best, fullest, alike, fault = None, -1.0, False, None
    for together in (same,) if list(exact) == list(same) else (same, exact):
        try:
            splits = cut_splits(collection, cuts, seed, together)
        except DataError as error:
            fault = fault or error
            continue
        full = min(((splits == split).sum() / count for split, count in _least(collection, cuts)), default=1.0)
        if min(full, 1.0) > fullest:  # more than the quarter is no reason to tear what is alike
            best, fullest, alike = splits, min(full, 1.0), together is not same
        if fullest == 1:
            break
    if best is None:
        assert fault is not None
        raise fault
    return best, alike


def _none_of(collection: Collection, classes: Sequence[int]) -> str:
    """Words for the classes that a part lacks, if any."""
    shown = ", ".join(collection.class_names[c] for c in classes[:5])
    more = f" and {len(classes) - 5} more" if len(classes) > 5 else ""
    return f", none of {shown}{more}" if classes else ""


def _learnt(collection: Collection) -> np.ndarray:
    """Places, int64 [n], of the pictures that the source does not give to validation or test."""
    return np.arange(len(collection)) if collection.splits is None else np.flatnonzero(collection.splits == "train")


def _least(collection: Collection, cuts: Mapping[str, float]) -> list[tuple[str, float]]:
    """Of each part that is cut, a quarter of the pictures that it should have."""
    found, left = [], float(len(_learnt(collection)))
    for split, fraction in cuts.items():
        found.append((split, 0.25 * fraction * left))
        left *= 1 - fraction
    return found


def groups_across_splits(collection: Collection, split_table: SplitTable, split: str) -> np.ndarray:
    """The pictures of a part, int64 [n], whose group is in training too: as the source gives the parts, it may be."""
    if collection.groups is None:
        return np.empty(0, np.int64)
    learnt = np.isin(collection.groups, collection.groups[split_table.splits == "train"])
    return np.flatnonzero((split_table.splits == split) & learnt)


def unpack_splits(collection: Collection, packed: Mapping[str, Any]) -> SplitTable:
    """The split of a training on this very collection, from what it left of it. Raises DataError where that is bad."""
    size = -(-len(collection) // 4)
    try:
        if "splits" not in packed:  # as the first versions left it
            return make_splits(collection, **packed)
        data = zlib.decompressobj().decompress(base64.b85decode(packed["splits"]), size + 1)
        codes = np.unpackbits(np.frombuffer(data, np.uint8)).reshape(-1, 2)[: len(collection)] @ np.array([2, 1])
        splits = np.array(_CODED, "<U10")[codes]
        leaked = np.array(packed["leaked"], np.int64)
        if len(data) != size or not np.isin(leaked, np.arange(len(collection))).all():
            raise ValueError("it is of other pictures")
    except (ValueError, IndexError, TypeError, KeyError, zlib.error) as error:
        raise DataError(
            f"{collection.source}: what the model remembers of its split cannot be read ({error})",
            "the parts of its training",
            "train it anew, or evaluate it with --split all",
        ) from error
    return SplitTable(splits, dict.fromkeys(SPLITS, "as at the training"), leaked)


def check_trainable(collection: Collection, split_table: SplitTable) -> None:
    """Raise DataError unless there are two classes, and every class of any part has training pictures."""
    counts = collection.class_counts(split_table.indices("train"))
    if len(collection.class_names) < 2:
        raise DataError(
            f"{collection.source}: has one class only, {collection.class_names[0]!r}",
            "at least two classes to tell apart",
            "add a folder (or label) for what is not of this class",
        )
    for c in np.flatnonzero(counts == 0):
        name = collection.class_names[c]
        where = [split for split in ("validation", "test") if collection.class_counts(split_table.indices(split))[c]]
        if where:
            raise DataError(
                f"{collection.source}: the class {name!r} is in {' and '.join(where)}, but training lacks it",
                "every class among the training pictures",
                "add training pictures of it, or take it out of the other parts (check for a misspelt folder name)",
            )
        raise DataError(
            f"{collection.source}: the class {name!r} has no pictures", "pictures of every class", "remove its name"
        )


def _check_sizes(collection: Collection, train: np.ndarray, cuts: tuple[str, ...]) -> None:
    needed = 1 + len(cuts)
    counts = collection.class_counts(train)
    small = [c for c in np.flatnonzero(counts) if counts[c] < needed]
    if small:
        c = small[0]
        more = f" (and {len(small) - 1} more classes have too few)" if len(small) > 1 else ""
        raise DataError(
            f"{collection.source}: the class {collection.class_names[c]!r} has {counts[c]} "
            f"picture{'' if counts[c] == 1 else 's'}{more}",
            f"at least {needed}, one each for {', '.join(('train', *cuts))}",
            "add pictures, leave the class out, or give the parts yourself",
        )


def _leaked(splits: np.ndarray, same: Sequence[tuple[int, ...]]) -> np.ndarray:
    found: list[int] = []
    for places in same:
        group = np.array(places)
        for split, seen in (("validation", ("train",)), ("test", ("train", "validation"))):
            if np.isin(splits[group], seen).any():
                found += group[splits[group] == split].tolist()
    return np.array(sorted(found), np.int64)


def read_seen(path: Path) -> tuple[set[str], bool] | None:
    """From a saved split, what the pictures that training saw, for learning or for choosing, are known by.

    And whether that is by their content, see `Collection.identity`. None where the file is no saved split.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        names = rows.fieldnames or ()
        content = CONTENT in names
        if "split" not in names or not (content or IDENTITY in names):
            return None
        column = CONTENT if content else IDENTITY
        return {row[column] for row in rows if row["split"] in ("train", "validation")}, content


def is_of(path: Path, collection: Collection) -> bool:
    """Whether a saved split is of these very files, as far as some of them tell; true where it does not know them."""
    if not isinstance(collection.pictures, EncodedPictures):
        return True  # whose fingerprint is of their pixels
    wanted = np.unique(np.linspace(0, len(collection) - 1, SAMPLED).astype(np.int64))
    known = {str(i): content for i, content in zip(wanted, collection.identities(wanted, True), strict=True)}
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if not {"index", CONTENT} <= set(rows.fieldnames or ()):
            return True
        return all(known.get(row["index"], row[CONTENT]) == row[CONTENT] for row in rows)

"""Find the picture files that a table lists: as written, without extension, in a subfolder, or by the end of a path."""

from __future__ import annotations

import posixpath
import re
import unicodedata
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import polars as pl

from tellapart.data.formats._table import SAMPLE, spread
from tellapart.data.split_names import split_named, split_of_file
from tellapart.data.tree import FolderTree, Tree
from tellapart.data.words import Words
from tellapart.errors import DataError, UsageError
from tellapart.images.read import looks_like_picture
from tellapart.text import quoted

HEAD = 2**14
"""Bytes at the start of pictures that are compared, besides their sizes, to recognise copies."""

DRAWN = re.compile(r"(^|[^a-z])(mask|trimap|segment|annotation|depth|thumb|heatmap|gradcam|label)")
"""What the folders of drawings of the pictures are called: these have the same names."""

UPLOADED = re.compile(r"^[0-9a-f]{8}-")
"""What Label Studio puts before the names of uploaded files."""


@dataclass(frozen=True)
class Listing:
    """The picture files of a tree by name and by name without extension; several of one name are lists."""

    names: frozenset[str] = frozenset()
    by_name: dict[str, str | list[str]] = field(default_factory=dict)
    by_stem: dict[str, str | list[str]] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()

    def named(self, base: str) -> list[str]:
        """Return the files with a name, with a name and any extension, or with another extension."""
        stem = stem_of(base) if looks_like_picture(base) else base
        for table, key in ((self.by_name, base), (self.by_stem, base), (self.by_stem, stem)):
            if found := table.get(key):
                return [found] if isinstance(found, str) else found
        return []


_LISTINGS: weakref.WeakKeyDictionary[Tree, Listing] = weakref.WeakKeyDictionary()
_NAMES: weakref.WeakKeyDictionary[Tree, tuple[str, ...]] = weakref.WeakKeyDictionary()


def listing(tree: Tree) -> Listing:
    """Return the picture files of a tree or, if it is one table, of the table's folder; cached until `forget`."""
    if tree not in _LISTINGS:
        names = [name for name in all_names(tree) if looks_like_picture(name)]
        with_extension = [name for name in names if "." in name.rpartition("/")[2]]
        _LISTINGS[tree] = _listing(with_extension or names)
    return _LISTINGS[tree]


def forget(tree: Tree) -> None:
    """Free the memory of `listing` and `all_names`."""
    _LISTINGS.pop(tree, None)
    _NAMES.pop(tree, None)


def all_names(tree: Tree) -> Sequence[str]:
    """Return the names of a tree or, if it is one file, those of its folder; () where that cannot be listed."""
    if not tree.single or not isinstance(tree, FolderTree):
        return tree.names
    if tree not in _NAMES:
        try:
            _NAMES[tree] = FolderTree(tree.root).names
        except DataError:
            _NAMES[tree] = ()
    return _NAMES[tree]


def _listing(names: Sequence[str]) -> Listing:
    by_name: dict[str, str | list[str]] = {}
    by_stem: dict[str, str | list[str]] = {}
    for name in names:
        base = folded(name.rpartition("/")[2])
        _add(by_name, base, name)
        _add(by_stem, stem_of(base), name)
    folders = {name.rpartition("/")[0] for name in names}
    return Listing(
        frozenset(names), by_name, by_stem, frozenset(folded(word) for folder in folders for word in folder.split("/"))
    )


def _add(table: dict[str, str | list[str]], key: str, name: str) -> None:
    known = table.setdefault(key, name)
    if isinstance(known, list):
        known.append(name)
    elif known is not name:
        table[key] = [known, name]


def folded(word: str) -> str:
    """Return a name in one form: composed accents, and no difference between capitals and small letters."""
    return word.lower() if word.isascii() else unicodedata.normalize("NFC", word).casefold()


def stem_of(base: str) -> str:
    """Return a file name without its extension."""
    return base.rpartition(".")[0] or base


@dataclass(frozen=True)
class Files:
    """The files that a column names: found or, where missing, as written.

    `found` is the share of a sample that exists, `how` where and how they were found, in words; "" where as written.
    `distinct` is whether all are known to be different.
    """

    names: Words
    found: float
    how: str = ""
    distinct: bool = False


class FileIndex:
    """Finds the files of one table of a tree."""

    def __init__(self, tree: Tree, table: str, images: str | None = None) -> None:
        """`images` is the folder that names are relative to; by default that of the table.

        Raises UsageError if it does not exist.
        """
        self.tree, self.split = tree, split_of_table(table)
        self.home = posixpath.dirname(table)
        self.folder = self.home if images is None else _images_folder(tree, self.home, images)
        self.given = images is not None

    def written(self, value: str) -> str:
        """Return the name of a file in the tree as the table writes it, relative to the table's folder."""
        path = posixpath.normpath(posixpath.join(self.folder, value))
        return posixpath.join(self.folder, value) if path.startswith("..") else path

    def exists(self, value: str) -> bool:
        """Return whether a file exists as written."""
        return "\0" not in value and self.tree.exists(self.written(value))

    def find(self, value: str, split: str | None = None) -> list[str]:
        """Return the files that a value may mean: by name, then by the end of the path, then by likely folders."""
        known = listing(self.tree)
        *folders, base = [folded(word) for word in _cleaned(value).split("/")]
        found = known.named(base) or (known.named(UPLOADED.sub("", base)) if UPLOADED.match(base) else [])
        if self.given:
            found = [name for name in found if name.startswith(f"{self.folder}/") or self.folder in ("", ".")]
        if folders and folders[-1] in known.folders:
            found = [name for name in found if folders[-1] in folded(posixpath.dirname(name)).split("/")]
        return self._nearest(found, folders, split) if len(found) > 1 else found

    def share(self, values: Sequence[str]) -> float:
        """Return the share of some values that are files, in whatever way; of numbers, those that only one file has."""
        found = (self.exists(value) or self._may_be(value) for value in values)
        return sum(found) / max(len(values), 1)

    def _may_be(self, value: str) -> bool:
        found = self.find(value)
        return len(found) == 1 if value.isdecimal() else bool(found)

    def covers(self, values: Sequence[str], rows: int) -> bool:
        """Return whether a table of this length lists half of the pictures in its folders, judged by some values.

        Short numbers are names of files by chance, if a table has less.
        """
        folders = self.folders(values)
        pictures = sum(posixpath.dirname(name) in folders for name in listing(self.tree).names)
        return 2 * rows >= pictures

    def folders(self, values: Sequence[str]) -> set[str]:
        """Return the folders of those values that are files."""
        found = ([self.written(value)] if self.exists(value) else self.find(value) for value in values)
        return {posixpath.dirname(name) for names in found for name in names[:1]}

    def resolve(
        self, values: pl.Series, where: str, splits: Sequence[str] | None = None, labels: pl.Series | None = None
    ) -> Files:
        """Return the files of a column. Raises DataError for a name that several files have.

        Of several, the one in a folder called like the row's label is meant.
        """
        values = self._tidied(values)
        sample = spread(values).to_list()
        as_written = sum(map(self.exists, sample))
        if as_written == len(sample) or not any(self.find(value) for value in sample):
            joined = self._joined(values)
            distinct = joined.n_unique() == len(joined)
            return Files(Words.of(joined), as_written / max(len(sample), 1), distinct=distinct)
        homes = None if labels is None else labels.to_list()
        names, row = self._rows(values.to_list(), splits, homes, absolute=as_written > 0)
        if row is not None:
            raise self._ambiguous(values[row], where, row + 1)
        found = sum(self.exists(value) or bool(self.find(value)) for value in sample) / len(sample)
        pairs = zip(sample, names[:: max(-(-len(names) // SAMPLE), 1)], strict=False)
        elsewhere = [pair for pair in pairs if folded(pair[1]) != folded(self.written(pair[0]))]
        return Files(Words.of(names), found, _how(elsewhere) if elsewhere else "")

    def _rows(
        self, values: Sequence[str], splits: Sequence[str] | None, homes: Sequence[str] | None, absolute: bool
    ) -> tuple[list[str], int | None]:
        """Return the file of each row, and the first row whose name several files have."""
        names: list[str] = []
        known = listing(self.tree).names
        for row, value in enumerate(values):
            name = self.written(value)
            outside = name.startswith(("/", "..")) and absolute
            if name not in known and not (outside and self.tree.exists(name)):
                found = self.find(value, splits[row] if splits is not None else None)
                if len(found) > 1 and homes is not None:
                    found = [file for file in found if file.split("/")[-2:-1] == [homes[row]]] or found
                found = self._distinct(found)
                if len(found) > 1:
                    return names, row
                name = found[0] if found else name
            names.append(name)
        return names, None

    def _distinct(self, found: list[str]) -> list[str]:
        """Return only the first of several files that are copies: an archive may have a folder twice (HAM10000)."""
        if len(found) < 2:
            return found
        starts = {(self.tree.size(name), self.tree.start(name, HEAD)) for name in found}
        return found if len(starts) > 1 else [min(found)]

    def _nearest(self, found: list[str], folders: list[str], split: str | None) -> list[str]:
        """Return those of several files that fit best, preferring one kind of evidence after the other."""
        ends = {name: _common_end(folded(posixpath.dirname(name)).split("/"), folders) for name in found}
        found = [name for name in found if ends[name] == max(ends.values())]
        split = split or self.split
        home = f"{self.home}/" if self.home else ""
        for fits in (
            lambda name: split is not None and _in_split(name, split),
            lambda name: not DRAWN.search(posixpath.dirname(name).lower()),
            lambda name: name.startswith(home),
        ):
            found = [name for name in found if fits(name)] or found
        return found

    def _tidied(self, values: pl.Series) -> pl.Series:
        """Return the values with slashes where the table is from Windows, and without blanks after the separators."""
        if values.str.starts_with(" ").all():
            values = values.str.strip_chars()
        first = values.filter(values.str.contains("\\", literal=True)).first()
        if first is None or self.exists(str(first)):
            return values
        slashes = values.str.contains("/", literal=True).any()
        return values if slashes else values.str.replace_all("\\", "/", literal=True)

    def _joined(self, values: pl.Series) -> pl.Series:
        """Return what `written` does, of a whole column."""
        if values.str.contains(r"//|(^|/)\.\.?(/|$)|/$").any() or self.folder.startswith(".."):
            return pl.Series([self.written(value) for value in values.to_list()], dtype=pl.String)
        if self.folder in ("", "."):
            return values
        joined = pl.DataFrame({"name": values}).select(
            pl.when(pl.col("name").str.starts_with("/"))
            .then(pl.col("name"))
            .otherwise(pl.lit(posixpath.normpath(self.folder) + "/") + pl.col("name"))
        )
        return joined.to_series()

    def _ambiguous(self, value: str, where: str, row: int) -> DataError:
        found = sorted(self.find(value))
        folders = sorted({posixpath.dirname(name) or "." for name in found})
        choices = " or ".join(f"--images {quoted(folder)}" for folder in folders[:3])
        return DataError(
            f"{where}, row {row}: {value!r} may be {' or '.join(found[:3])}",
            "a name that one file has, or a longer path",
            f"give the folder of the pictures: {choices}" if len(folders) > 1 else "use names with their extensions",
        )


def split_of_table(name: str) -> str | None:
    """Return the split in the name of a table, as in `trainLabels.csv`, or of its folder; `trainval` is training."""
    folder, _, base = name.rpartition("/")
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", base).replace("trainval", "train")
    return split_of_file(f"{folder}/{words}" if folder else words)


def _cleaned(value: str) -> str:
    """Return a path with slashes; of Label Studio's addresses and other URLs, the path."""
    path = value.strip().replace("\\", "/")
    if "?d=" in path:
        path = path.partition("?d=")[2]
    elif "://" in path:
        path = re.sub(r"[?#].*", "", path)
    return unquote(path) if "%" in path else path


def _in_split(name: str, split: str) -> bool:
    return any(
        split_named(word) == split or split_of_file(word) == split for word in posixpath.dirname(name).split("/")
    )


def _common_end(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words two paths share at their ends."""
    count = 0
    while count < min(len(one), len(other)) and one[-1 - count] == other[-1 - count]:
        count += 1
    return count


def _images_folder(tree: Tree, home: str, images: str) -> str:
    """Return the folder that was given, as a name in the tree or an absolute path. Raises UsageError if not there."""
    given = images.replace("\\", "/").rstrip("/") or "/"
    within = {name.rpartition("/")[0] for name in all_names(tree)}
    parents = within | {parent for folder in within for parent in _parents(folder)}
    for folder in (posixpath.normpath(posixpath.join(home, given)), posixpath.normpath(given)):
        if folder in parents or folder == ".":
            return folder if folder != "." else ""
    root = tree.root if isinstance(tree, FolderTree) else Path()
    for path in (root / home / Path(images).expanduser(), Path(images).expanduser()):
        if path.is_dir():
            return path.resolve().as_posix()
    shown = ", ".join(sorted(parents - {""})[:5]) or "none"
    raise UsageError(f"--images {images}: is not a folder", f"a folder in {tree.path} ({shown}), or a path", "")


def _parents(folder: str) -> list[str]:
    words = folder.split("/")
    return ["/".join(words[:count]) for count in range(1, len(words))]


def _how(pairs: Sequence[Sequence[str]]) -> str:
    """Return how files were found, of pairs of a value and a file: `with .jpg, in train_images/`."""
    endings = {_ending(value, name) for value, name in pairs} - {""}
    folders = sorted({posixpath.dirname(name) for _, name in pairs})
    same = [posixpath.dirname(_cleaned(value)) for value, _ in pairs]
    words = [f"with {' or '.join(sorted(endings))}"] if endings and len(endings) <= 3 else []
    if all(folder and len(folder.split("/")) > 1 for folder in same) or any(":" in folder[:3] for folder in same):
        words.append(f"by the ends of their paths ({pairs[0][1]})")
    elif any(folder for folder in folders):
        shown = folders if len(folders) <= 3 else [f"{posixpath.commonpath(folders) or '.'}/..."]
        words.append(f"in {' and '.join(f'{folder}/' if not folder.endswith('...') else folder for folder in shown)}")
    return ", ".join(words)


def _ending(value: str, name: str) -> str:
    base, written = posixpath.basename(name), posixpath.basename(_cleaned(value))
    return base[len(written) :] if folded(base).startswith(folded(written)) else ""

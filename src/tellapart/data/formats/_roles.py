"""Find out which column of a table names the files, and which the labels, splits and groups, by names and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import polars as pl

from tellapart.data.formats._file_index import FileIndex
from tellapart.data.formats._table import Table, canonical, spread
from tellapart.data.layout import Layout
from tellapart.data.split_names import split_named
from tellapart.errors import UsageError, closest
from tellapart.images.read import looks_like_picture

_FILES = (
    "filename filenames path file filepath filepaths imagepath imagepaths imagefile imagefilename imgpath fname "
    "relpath relativepath image imagename img imagesname imageid imgid imgname imageuid picture photo id idcode uuid "
    "url imageurl name"
)
FILES = tuple(_FILES.split())
"""Names of columns of file names, the preferred ones first."""

SURE_FILES = FILES[: FILES.index("img") + 1]
"""Names of columns that are taken for file names even where none of the files exists."""

LABELS = (
    "label labels class classes classname classlabel labelname target category categoryname groundtruth gt y choice",
    "breed species genus variety cultivar diagnosis dx disease finding findings findinglabels celltype emotion "
    "expression scientificname commonname defect defecttype material landmark artist style",
    "classid labelid categoryid targetid classidx labelidx classindex classnumber primarylabel individualid landmarkid "
    "whaleid id",
)
"""Names of columns of labels, in three levels; of one level, none is preferred."""

SPLITS = ["split", "splits", "part", "subset", "set", "partition", "usage", "dataset", "datasplit", "phase", "fold"]
FLAGS = {
    "isvalid": ("validation", "train"), "isval": ("validation", "train"), "isvalidation": ("validation", "train"),
    "istest": ("test", "train"), "istrain": ("train", "test"), "istraining": ("train", "test"),
    "istrainingimage": ("train", "test"),
}  # fmt: skip
"""Columns of true and false, with the splits that these stand for."""

TRUE, FALSE = ("true", "1", "yes", "t", "1.0"), ("false", "0", "no", "f", "0.0", "")

ONES, ZEROS = ("1", "1.0", "True", "true", "TRUE", "yes", "Yes"), ("0", "0.0", "False", "false", "FALSE", "no", "No")
"""Values of one-hot columns; pandas' get_dummies writes True and False, spreadsheets TRUE and FALSE."""

_GROUPS = (
    "group groupid subject subjectid patient patientid lesionid personid casenum caseid studyid participantid "
    "participant animalid specimenid slideid"
)
GROUPS = tuple(_GROUPS.split())
"""Names of columns whose values are used as groups."""

USUAL_SPLITS = {
    "publictest": "validation",
    "privatetest": "test",
    "holdout": "test",
    "evaluation": "test",
    "eval": "validation",
}
"""Values of split columns besides the names of splits: FER2013 has the first two."""

FOLDER, PREFIX = DERIVED = ("the folder", "the beginning of the file name")
"""Columns that are added to lists of files."""

EDGE = 16
"""Columns at either end of a wide table that may be of files, besides those that are called so."""

LONGEST = 80
"""Letters of the longest class name in a column that is not called a label."""


@dataclass(frozen=True)
class Roles:
    """The columns by what they are for; None where there is none.

    Without a column of labels, `one_hot` are the columns of zeros and ones, one per class. `choices` are the
    columns that are equally likely to be the labels. `named` is whether the label column was found by its name.
    """

    file: str | None = None
    label: str | None = None
    split: str | None = None
    group: str | None = None
    one_hot: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    named: bool = False
    number: str | None = None

    @property
    def labelled(self) -> bool:
        """Whether there are labels, if perhaps in several columns."""
        return bool(self.label or self.one_hot or self.choices)


NO_ROLES = Roles()
"""The roles of a file that is not a table."""


def find_roles(table: Table, index: FileIndex, layout: Layout) -> Roles:
    """Return the roles of a table's columns. Raises UsageError for a column that was given and does not exist."""
    file = _given(table, layout.image_column, "image-column") or _file(table, index)
    split = _given(table, layout.split_column, "split-column") or _split(table, file)
    group = next((name for name in table.columns if canonical(name) in GROUPS and name not in (file, split)), None)
    if layout.label is not None:
        return Roles(file, _given(table, layout.label, "label"), split, group, named=True)
    others = [name for name in table.columns if name not in (file, split, group) and _is_filled(table, name)]
    return _with_labels(table, others, Roles(file, None, split, group))


def with_derived(table: Table) -> Table:
    """Return a list of files with the columns DERIVED, where these divide the files."""
    names = table.frame[table.columns[0]].str.replace_all("\\", "/", literal=True)
    folders = names.str.extract(r"([^/]+)/[^/]+$").fill_null("")
    prefixes = names.str.extract(r"([^/]+?)[ _-]*\d+(?:\.\w+)?$").fill_null("")
    new = [
        values.alias(name)
        for name, values in ((FOLDER, folders), (PREFIX, prefixes))
        if 1 < values.n_unique() <= max(2, len(values) // 2) and not (values == "").any()
    ]
    return replace(table, frame=table.frame.with_columns(new))


def _given(table: Table, column: str | None, option: str) -> str | None:
    """Return a column that the caller named. Raises UsageError if the table does not have it."""
    if column is None or column in table.columns:
        return column
    same = [name for name in table.columns if canonical(name) == canonical(column)]
    if len(same) == 1:
        return same[0]
    near = closest(column, table.columns)
    raise UsageError(
        f"--{option} {column}: is not a column of {table.where}",
        f"one of its columns: {', '.join(table.columns[:30])}",
        f"did you mean {near}?" if near else "",
    )


def _file(table: Table, index: FileIndex) -> str | None:
    """Return the column whose values are mostly files; if none is, one that is called or looks like file names."""
    ends = {*table.columns[:EDGE], *table.columns[-EDGE:]}
    texts = [name for name in table.columns if table.is_text(name) and (name in ends or canonical(name) in FILES)]
    ranked = sorted(texts, key=lambda name: _rank(name, FILES))
    if len(texts) > EDGE:  # pixels are not names of files
        ranked = [name for name in ranked if canonical(name) in FILES or not _is_number(table, name)]
    unlike = [name for name in ranked if _is_distinct(table.frame[name])]
    best, most = None, 0.5
    for name in unlike:
        values = table.sample(name)
        share = index.share(values) + 0.5 * _with_extension(values)  # numbers may be names of files by chance
        if values and share > most + 0.01:
            best, most = name, share
    named = [name for name in ranked if canonical(name) in SURE_FILES]
    looks = [name for name in unlike if _with_extension(table.sample(name)) > 0.9]
    return best or next(iter([*named, *looks]), None)


def _is_distinct(values: pl.Series) -> bool:
    """Return whether most values of a column differ, as file names do; boxes may repeat some of them."""
    return values.n_unique() >= 0.3 * len(values)


def _with_extension(values: Sequence[str]) -> float:
    bases = [value.replace("\\", "/").rpartition("/")[2] for value in values]
    return sum("." in base and looks_like_picture(base) for base in bases) / max(len(bases), 1)


def _rank(name: str, words: Sequence[str]) -> int:
    return words.index(canonical(name)) if canonical(name) in words else len(words)


def _is_filled(table: Table, name: str) -> bool:
    values = table.frame[name]
    return values.null_count() < len(values) and not (table.is_text(name) and (values == "").all())


def _split(table: Table, file: str | None) -> str | None:
    """Return the column of splits: by its name and values; by its name alone only if it is called `split`."""
    texts = [name for name in table.columns if name != file and table.is_text(name)]
    named = sorted((name for name in texts if canonical(name) in SPLITS), key=lambda name: _rank(name, SPLITS))
    sure = [name for name in named if canonical(name) in SPLITS[:2]]
    by_value = [name for name in [*named, *texts] if _has_splits(table.frame[name], least=1 if name in named else 2)]
    flags = [name for name in texts if canonical(name) in FLAGS and _is_flag(table.frame[name])]
    return next(iter([*sure, *by_value, *flags]), None)


def _is_flag(values: pl.Series) -> bool:
    """Return whether a column has true and false: if it has one of them only, it is about the files."""
    words = set(values.str.strip_chars().str.to_lowercase().unique().to_list())
    return words <= {*TRUE, *FALSE, None} and len({word in TRUE for word in words}) == 2


def _has_splits(values: pl.Series, least: int) -> bool:
    """Return whether all values name splits, at least some number of different ones."""
    words = values.unique().to_list() if values.n_unique() < 20 else []
    splits = {split_value(word or "") for word in words}
    return None not in splits and "train" in splits and len(splits) >= least


def split_value(word: str) -> str | None:
    """Return the split that a value of a split column names, or None."""
    return split_named(word) or USUAL_SPLITS.get(canonical(word))


def split_of_flag(column: str, word: str) -> str | None:
    """Return the split that a value of a column such as `is_valid` stands for, or None."""
    yes, no = FLAGS[canonical(column)]
    lower = word.strip().lower()
    return yes if lower in TRUE else no if lower in FALSE else None


def _with_labels(table: Table, others: Sequence[str], roles: Roles) -> Roles:
    for level in LABELS:
        words = level.split()
        found = [name for name in others if canonical(name) in words and _may_be_label(table, name)]
        found = [name for name in found if canonical(name) == "label"] or found
        if found:
            return _chosen(table, found, others, roles, named=True)
    binary = [name for name in others if table.is_text(name) and _is_binary(table.frame[name])]
    if len(binary) > 1 and _is_one_hot(table, binary):
        return replace(roles, one_hot=tuple(binary))
    found = [name for name in others if name not in DERIVED and _looks_like_label(table, name)]
    if table.is_list:
        found = [name for name in found if _named_by_files(table, name)] or found
        found = found or [name for name in others if name == FOLDER]
    found += [name for name in others if name not in found and any(_is_sibling(table, name, one) for one in found)]
    return _chosen(table, found, others, roles, named=table.is_list) if found else roles


def _is_sibling(table: Table, name: str, other: str) -> bool:
    """Return whether two columns are numbered and have values in common: `label1` and `label2`, which may be empty."""
    stems = {re.sub(r"\d+", "", canonical(one)) for one in (name, other)}
    if len(stems) > 1 or not table.header or not (table.is_text(name) and table.is_text(other)):
        return False
    return bool(set(table.sample(name)) & set(table.sample(other)))


def _named_by_files(table: Table, name: str) -> bool:
    """Return whether the names or folders of the files divide a list in the same way as a column."""
    return any(other in table.columns and _same_partition(table, name, other) for other in DERIVED)


def _chosen(table: Table, found: Sequence[str], others: Sequence[str], roles: Roles, named: bool) -> Roles:
    """Return the roles with the one label column, or with the choices; words are preferred to their numbers."""
    words = [name for name in found if not _is_number(table, name)]
    first = (words or list(found))[0]
    if not all(_same_partition(table, first, name) for name in found if name != first):
        return replace(roles, choices=tuple(found), named=named)
    if words or not named:
        numbers = [name for name in found if name not in words]
        return replace(roles, label=first, named=named, number=next(iter(numbers), None) if words else None)
    names = [name for name in others if table.is_text(name) and not _is_number(table, name)]
    word = next((name for name in names if _same_partition(table, first, name) and _is_short(table, name)), None)
    return replace(roles, label=word or first, named=True, number=first if word else None)


def _same_partition(table: Table, one: str, other: str) -> bool:
    """Return whether two columns divide the rows in the same way, under different names."""
    if not table.is_text(one) or not table.is_text(other):
        return False
    counts = table.frame.select(pl.col(one).n_unique().alias("1"), pl.col(other).n_unique().alias("2"))
    pairs = table.frame.select(pl.struct(one, other).n_unique()).item()
    return bool(1 < pairs == counts["1"][0] == counts["2"][0])


def _is_number(table: Table, name: str) -> bool:
    return table.is_text(name) and all(
        value.replace(".", "", 1).lstrip("-").isdecimal() for value in table.sample(name)
    )


def _is_short(table: Table, name: str) -> bool:
    return all(len(value) <= LONGEST for value in table.sample(name))


def _may_be_label(table: Table, name: str) -> bool:
    """Return whether a column that is called a label may be one: identifiers of rows are not."""
    if canonical(name) not in ("id", "y") or not table.is_text(name):
        return True
    values = table.frame[name]
    return len(values) < 8 or values.n_unique() <= 0.8 * len(values)


def _is_binary(values: pl.Series) -> bool:
    return set(spread(values).to_list()) <= {*ONES, *ZEROS} and set(values.unique().to_list()) <= {*ONES, *ZEROS}


def _is_one_hot(table: Table, columns: Sequence[str]) -> bool:
    """Return whether columns of zeros and ones are classes: most rows have a one, and few have many."""
    ones = table.frame.select(pl.sum_horizontal(pl.col(name).is_in(ONES) for name in columns)).to_series()
    return (ones >= 1).sum() > 0.5 * len(ones) and (ones == 1).sum() > 0.2 * len(ones)


def _looks_like_label(table: Table, name: str) -> bool:
    """Return whether the values of a column may be classes: few different ones, short, and not measures."""
    if not table.is_text(name) or canonical(name).startswith("unnamed") or canonical(name) in SPLITS:
        return False
    values, different = table.frame[name], table.frame[name].n_unique()
    if not 2 <= different <= max(2, len(values) // 2) or (values == "").any() or values.null_count():
        return False
    measured = _is_number(table, name) and any("." in value for value in table.sample(name))
    return _is_short(table, name) and not measured

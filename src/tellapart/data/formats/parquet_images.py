"""Parquet files that contain the pictures: a column `image` of encoded bytes, as in Hugging Face data, and `label`."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
import polars as pl

from tellapart.data.arrays import to_labels
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.formats._labels import check_single, several_labels
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.formats._pictures import png
from tellapart.data.formats._roles import LABELS as WORDS
from tellapart.data.formats._roles import SPLITS, split_value
from tellapart.data.formats._table import canonical
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_of_file
from tellapart.data.tables import FAULTS, column_of, columns, damaged, read_parquet, schema
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError, UsageError, closest
from tellapart.text import counted, quoted

T = TypeVar("T")

IMAGES = ("image", "img", "picture", "bytes", "jpg", "jpeg", "png", "webp", "photo", "pixel", "pixels")
LABELS = ("label", "labels", "class", "fine_label", "target")
"""Names of columns of labels, the preferred one first; then those that tables of files have."""

NAMES = ("labelname", "classname", "categoryname")
"""Names of columns of words that are preferred to their numbers."""

LEAST_BYTES = 2**28
"""Bytes of pictures that a file may contain in any case, however small it is."""

USES = ("label", "image_column", "split_column")
"""What of a Layout this format honours."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match Parquet files with a column that may contain pictures."""
    files = _files(tree)
    if not files:
        return Match.NONE
    column = _image_column(tree, files[0], layout)
    if column is None or schema(tree, files[0])[column] == pl.String or is_stray(tree, files):  # a string is a path
        return Match.STRAY
    return Match.CERTAIN


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Several files are joined.

    A column has the split or, without one, the name of a file or of its folder.
    """
    files = _files(tree)
    data: list[bytes | None] = []
    tables = []
    for name in files:
        table = _table(tree, name, layout)
        data += table["image"].to_list()
        tables.append(table.select("label", "split"))
        del table  # so that the pictures of only one file are in memory twice
    splits: list[str | None] = [split for table in tables for split in table["split"].to_list()]
    keys = [f"{name}/{row:06d}" for name, table in zip(files, tables, strict=True) for row in range(table.height)]
    column = pl.concat(tables, how="vertical_relaxed")["label"]
    column, kept, skipped = _labelled(column, splits)
    if kept is not None:
        data, splits, keys = _only(data, kept), _only(splits, kept), _only(keys, kept)
    labels = np.array(column.to_list())
    if labels.dtype.kind not in "iuU":
        raise DataError(f"{tree.path}: labels have type {column.dtype}", "whole numbers or words", "convert the labels")
    label = _label_column(tree, files[0], layout)
    positions, names = to_labels(
        labels, str(tree.path), layout.class_names or _named_in_metadata(tree, files[0], label)
    )
    return Collection(
        name=tree.path.stem if tree.path.is_file() else tree.path.resolve().name,
        source=str(tree.path),
        class_names=names,
        labels=positions,
        keys=keys,
        splits=np.array([split or "train" for split in splits]) if any(splits) and len(set(splits)) > 1 else None,
        pictures=EncodedPictures(
            len(keys),
            lambda i: data[i] or b"",
            lambda i: len(data[i] or b""),
            lambda i: f"{tree.path}: {keys[i]}",
            lambda i: tree.stamp(keys[i].rpartition("/")[0]),
        ),
        inferred=(f"label: the column {label}", *_about_splits(tree, files[0], layout), *skipped),
    )


def _only(rows: Sequence[T], kept: Sequence[bool]) -> list[T]:
    return [row for row, keep in zip(rows, kept, strict=True) if keep]


def _labelled(column: pl.Series, splits: Sequence[str | None]) -> tuple[pl.Series, list[bool] | None, list[str]]:
    """Leave out the pictures of a split that has only the label -1, as published test pictures without labels have.

    Returns the labels, which rows are kept (None: all), and lines about the others.
    """
    if not column.dtype.is_integer() or (column >= 0).all():
        return column, None, []
    numbers, parts = column.to_numpy(), np.array([split or "" for split in splits])
    without = [split for split in sorted(set(parts.tolist())) if (numbers[parts == split] == -1).all()]
    kept = ~np.isin(parts, without)
    if not without or not kept.any():
        return column, None, []
    said = [
        f"skipped: {split or 'train'} ({counted(int((parts == split).sum()), 'picture')} without labels)"
        for split in without
    ]
    return column.filter(pl.Series(kept)), kept.tolist(), said


def write(collection: Collection, folder: Path) -> None:
    """Write `<split>.parquet` for each split, or `data.parquet`; pictures as PNG, labels as class names."""
    for split in collection.given_splits or ("data",):
        indices = collection.indices(None if split == "data" else split)
        images = [{"bytes": png(collection, i), "path": collection.keys[i]} for i in indices]
        labels = [collection.label(i) for i in indices]
        pl.DataFrame({"image": images, "label": labels}).write_parquet(folder / f"{split}.parquet")


def _files(tree: Tree) -> list[str]:
    if tree.single:
        return list(tree.names) if tree.start(tree.names[0], 4) == b"PAR1" else []
    return [name for name in tree.names if name.lower().endswith(".parquet")]


def _image_column(tree: Tree, name: str, layout: Layout) -> str | None:
    """Return the column of pictures: the given one, one called so, or the only one of bytes."""
    kinds = schema(tree, name)
    if layout.image_column is not None:
        return _given(tree, name, layout.image_column, "image-column")
    binary = [column for column, kind in kinds.items() if _is_bytes(kind)]
    return column_of(binary, IMAGES) or column_of(list(kinds), IMAGES) or (binary[0] if len(binary) == 1 else None)


def _is_bytes(kind: pl.DataType) -> bool:
    return kind == pl.Binary or (isinstance(kind, pl.Struct) and any(field.name == "bytes" for field in kind.fields))


def _given(tree: Tree, name: str, column: str, option: str) -> str:
    header = columns(tree, name)
    if column in header:
        return column
    near = closest(column, header)
    raise UsageError(
        f"--{option} {column}: is not a column of {tree.describe(name)}",
        f"one of its columns: {', '.join(header[:30])}",
        f"did you mean {near}?" if near else "",
    )


def _label_column(tree: Tree, name: str, layout: Layout) -> str | None:
    """Return the column of labels: the given one, one called so, or the only one left.

    Raises DataError where several are equally likely, and UsageError for a given one that is not there.
    """
    if layout.label is not None:
        return _given(tree, name, layout.label, "label")
    header = columns(tree, name)
    kinds = schema(tree, name)
    if (known := column_of(header, LABELS)) is not None:
        named = [column for column in header if canonical(column) in NAMES and kinds[column] == pl.String]
        numbers = kinds[known].is_integer() and _named_in_metadata(tree, name, known) is None
        return named[0] if named and numbers else known
    others = [column for column, kind in kinds.items() if kind == pl.String or kind.is_integer()]
    for words in WORDS:
        found = [column for column in others if canonical(column) in words.split() and canonical(column) != "id"]
        if len(found) > 1:
            raise DataError(
                f"{tree.describe(name)}: the columns {' and '.join(map(repr, found))} may be the labels",
                "one column of labels",
                f"choose one: {' or '.join(f'--label {quoted(column)}' for column in found)}",
            )
        if found:
            return found[0]
    return None


def _table(tree: Tree, name: str, layout: Layout) -> pl.DataFrame:
    where = tree.describe(name)
    header = columns(tree, name)
    image, label = _image_column(tree, name, layout), _label_column(tree, name, layout)
    if image is None or label is None:
        raise DataError(
            f"{where}: has the columns {', '.join(header)}",
            "a column 'image' with the bytes of picture files (or 'file_name' with their paths), and a column 'label'",
            "name the columns with --image-column and --label",
        )
    split = _split_column(tree, name, layout)
    table = read_parquet(tree, name, (image, label, *([split] if split else [])))
    column = table[image]
    if isinstance(column.dtype, pl.Struct):
        column = column.struct.field("bytes")
    if column.dtype != pl.Binary:
        raise DataError(
            f"{where}: the column {image!r} has type {column.dtype}", "bytes of picture files", "convert the column"
        )
    size = column.bin.size().sum() or 0
    if size > max(MAX_RATIO * tree.size(name), LEAST_BYTES):  # a file can refer to one picture in very many rows
        raise DataError(
            f"{where}: its pictures take {size:,} bytes, and the file has {tree.size(name):,}",
            f"pictures of at most {MAX_RATIO} times the size of the file",
            "do not trust this file, or save its pictures as files with a manifest",
        )
    splits = pl.repeat(split_of_file(name), len(column), dtype=pl.String, eager=True)
    splits = splits if split is None else _splits(table[split], split, where)
    return pl.DataFrame({"image": column, "label": _single_labels(table[label], where), "split": splits})


def _split_column(tree: Tree, name: str, layout: Layout) -> str | None:
    """Return the column of splits: the given one, or one that is called so and has nothing else."""
    if layout.split_column is not None:
        return _given(tree, name, layout.split_column, "split-column")
    for column, kind in schema(tree, name).items():
        if canonical(column) in SPLITS and kind == pl.String:
            words = read_parquet(tree, name, (column,))[column].unique().to_list()
            if None not in map(split_value, map(str, words)):
                return column
    return None


def _splits(values: pl.Series, column: str, where: str) -> pl.Series:
    """Return the split of every row. Raises DataError for a value that is not a split."""
    words = values.cast(pl.String).fill_null("")
    known = {word: split_value(word) for word in words.unique().to_list()}
    wrong = [word for word, split in known.items() if split is None]
    if wrong:
        row = int((words == wrong[0]).arg_max() or 0) + 1
        raise DataError(
            f"{where}, row {row}: {wrong[0]!r} in the column {column!r} is not a valid split",
            "train, validation or test",
            "",
        )
    return words.replace_strict(known, return_dtype=pl.String)


def _about_splits(tree: Tree, name: str, layout: Layout) -> list[str]:
    """Return lines about columns that are called splits: the one that is used, and those that are not."""
    used = _split_column(tree, name, layout)
    others = [column for column in columns(tree, name) if canonical(column) in SPLITS and column != used]
    return [
        *([f"split: the column {used}"] if used else []),
        *(f"not used: the column {column}, whose values are not the names of splits" for column in others),
    ]


def _single_labels(labels: pl.Series, where: str) -> pl.Series:
    """Return one label per row. Raises DataError for rows without a label, and for lists of several."""
    if isinstance(labels.dtype, (pl.List, pl.Array)):
        counts = labels.list.len() if isinstance(labels.dtype, pl.List) else labels.arr.to_list().list.len()
        several = (counts > 1).arg_true()
        if (ones := _one_hot(labels, counts)) is not None:
            return ones
        if len(several):
            shown = ", ".join(map(str, labels[several[0]].to_list()))
            raise several_labels(where, several[0] + 1, shown, "keep only the rows with one label, or another column")
        labels = labels.explode() if (counts == 1).all() else labels.list.first()
    if labels.null_count():
        row = int(labels.is_null().arg_max() or 0) + 1
        raise DataError(f"{where}, row {row}: labels are missing in some rows", "a number or word in every row", "")
    if isinstance(labels.dtype, (pl.Categorical, pl.Enum, pl.Boolean)):
        labels = labels.cast(pl.String)
    if labels.dtype.is_float() and labels.is_finite().all() and (labels == labels.floor()).all():
        return labels.cast(pl.Int64)  # pandas stores whole numbers like this where some were missing
    if labels.dtype == pl.String:
        check_single(labels, where)
    return labels


def _one_hot(labels: pl.Series, counts: pl.Series) -> pl.Series | None:
    """Return the places of the ones in lists of a one and zeros, at least three; None for other lists."""
    size = counts.max()
    if labels.null_count() or not isinstance(size, int) or size < 3 or counts.min() != size:
        return None
    values = labels.explode()
    if not values.dtype.is_numeric() or values.null_count() or not values.is_in([0, 1]).all():
        return None
    ones = values.to_numpy().reshape(-1, size)
    return pl.Series(ones.argmax(axis=1)) if (ones.sum(axis=1) == 1).all() else None


def _named_in_metadata(tree: Tree, name: str, label: str | None) -> list[str] | None:
    """Return the class names in the `huggingface` entry of the file's metadata, which label numbers index, or None."""
    try:
        metadata = pl.read_parquet_metadata(tree.on_disk(name) or io.BytesIO(tree.read(name)))
    except FAULTS as error:
        raise damaged(tree, name, error) from error
    try:
        features = json.loads(metadata.get("huggingface", "{}"))["info"]["features"]
        feature = features[label]
        names: list[str] = (feature[0] if isinstance(feature, list) else feature.get("feature") or feature)["names"]
        return names
    except (KeyError, ValueError, TypeError, AttributeError, IndexError):
        return None

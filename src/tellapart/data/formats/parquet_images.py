"""Parquet files that contain the pictures: a column `image` of encoded bytes, as in Hugging Face data, and `label`."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import polars as pl

from tellapart.data.arrays import to_labels
from tellapart.data.collection import Collection, EncodedPictures
from tellapart.data.formats._match import Match, is_stray
from tellapart.data.formats._pictures import png
from tellapart.data.layout import INFERRED, Layout
from tellapart.data.split_names import split_of_file
from tellapart.data.tables import FAULTS, column_of, columns, damaged, read_parquet, schema
from tellapart.data.tree import MAX_RATIO, Tree
from tellapart.errors import DataError

IMAGES = ("image", "img", "picture", "bytes")
LABELS = ("label", "labels", "class", "fine_label", "target")
LEAST_BYTES = 2**28
"""Bytes of pictures that a file may contain in any case, however small it is."""


def match(tree: Tree, layout: Layout = INFERRED) -> Match:
    """Match Parquet files with a column that may contain pictures."""
    files = _files(tree)
    if not files:
        return Match.NONE
    column = column_of(columns(tree, files[0]), IMAGES)
    if column is None or schema(tree, files[0])[column] == pl.String or is_stray(tree, files):  # a string is a path
        return Match.STRAY
    return Match.CERTAIN


def read(tree: Tree, layout: Layout = INFERRED) -> Collection:
    """Read the tree, see the contract. Several files are joined; the name of a file or of its folder has the split."""
    files = _files(tree)
    data: list[bytes | None] = []
    tables = []
    for name in files:
        table = _table(tree, name)
        data += table["image"].to_list()
        tables.append(table.select("label"))
        del table  # so that the pictures of only one file are in memory twice
    column = pl.concat(tables, how="vertical_relaxed")["label"]
    if column.null_count():
        raise DataError(f"{tree.path}: labels are missing in some rows", "a number or word in every row", "")
    labels = np.array(column.to_list())
    if labels.dtype.kind not in "iuU":
        raise DataError(f"{tree.path}: labels have type {column.dtype}", "whole numbers or words", "convert the labels")
    positions, names = to_labels(labels, str(tree.path), layout.class_names or _named_in_metadata(tree, files[0]))
    splits = [split_of_file(name) for name, table in zip(files, tables, strict=True) for _ in range(table.height)]
    keys = [f"{name}/{row:06d}" for name, table in zip(files, tables, strict=True) for row in range(table.height)]
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
    )


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


def _table(tree: Tree, name: str) -> pl.DataFrame:
    where = tree.describe(name)
    header = columns(tree, name)
    image, label = column_of(header, IMAGES), column_of(header, LABELS)
    if image is None or label is None:
        raise DataError(
            f"{where}: has the columns {', '.join(header)}",
            "a column 'image' with the bytes of picture files (or 'file_name' with their paths), and a column 'label'",
            "add or rename the column",
        )
    table = read_parquet(tree, name, (image, label))
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
    return pl.DataFrame({"image": column, "label": table[label]})


def _named_in_metadata(tree: Tree, name: str) -> list[str] | None:
    """Return the class names in the `huggingface` entry of the file's metadata, which label numbers index, or None."""
    try:
        metadata = pl.read_parquet_metadata(tree.on_disk(name) or io.BytesIO(tree.read(name)))
    except FAULTS as error:
        raise damaged(tree, name, error) from error
    try:
        features = json.loads(metadata.get("huggingface", "{}"))["info"]["features"]
        names: list[str] = next(
            features[label]["names"] for label in LABELS if label in features and "names" in features[label]
        )
        return names
    except (KeyError, ValueError, TypeError, StopIteration):
        return None

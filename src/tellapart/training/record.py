"""What run.json and the model file remember of a training: what was asked, of which data, how it was decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tellapart import leaves
from tellapart.data.collection import Collection
from tellapart.data.split_table import SplitTable, groups_across_splits
from tellapart.images.preprocessing import Preparation
from tellapart.recipes.recipe import Recipe
from tellapart.training.run import machine, now, versions


def describe_training(
    asked: dict[str, Any], collection: Collection, split_table: SplitTable, preprocessing: Preparation, recipe: Recipe
) -> dict[str, Any]:
    """The start of run.json, plain values; `asked` are the options, with at least data, recipe, classes and seed."""
    return {
        "started": now(),
        "options": asked,
        "data": {
            "name": collection.name,
            "source": place_of_data(collection.source),
            "class_names": list(collection.class_names) if asked["classes"] is not None else None,
            "pictures": len(collection),
            "classes": list(collection.class_names),
            "fingerprint": collection.fingerprint,
        },
        "split": {
            "counts": split_table.counts(),
            "origin": split_table.origin,
            "digest": split_table.digest,
            "leaked": {
                split: len(split_table.leaks(split))
                for split in ("validation", "test")
                if len(split_table.leaks(split))
            },
            "torn": {
                split: len(torn)
                for split in ("validation", "test")
                if len(torn := groups_across_splits(collection, split_table, split))
            },
            "class_counts": {
                split: collection.class_counts(split_table.indices(split)).tolist()
                for split, n in split_table.counts().items()
                if n
            },
        },
        "preprocessing": preprocessing.model_dump(),
        "recipe": recipe.changes(),
        "seed": asked["seed"],
        "versions": versions(),
        "machine": machine(),
    }


def remembered(record: dict[str, Any], collection: Collection, split_table: SplitTable) -> dict[str, Any]:
    """What the model file itself keeps of a run's record: enough to find the same test split again."""
    return {
        "data": {key: record["data"][key] for key in ("name", "source", "class_names", "fingerprint")},
        "split": split_table.pack(),
        "class_counts": collection.class_counts(split_table.indices("train")).tolist(),
        "recipe": record["recipe"],
        "versions": record["versions"],
        "trained": record["started"],
    }


def place_of_data(source: str | Path) -> str:
    """What data is found by from elsewhere: a data set's name, or a whole path."""
    return place(source, leaves.names("tellapart.data.datasets"))


def place(source: str | Path, names: Sequence[str] = ()) -> str:
    """A path made absolute, so that it is found again from elsewhere; one of `names` as it is."""
    if str(source) in names:
        return str(source)
    path = Path(source).expanduser()
    return str(path.resolve()) if path.exists() else str(source)

"""What run.json and the model file remember of a training: what was asked, of which data, how it was decided."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tellapart import leaves
from tellapart.data.collection import Collection
from tellapart.data.split import Split, torn_groups
from tellapart.images.preparation import Preparation
from tellapart.recipes.recipe import Recipe
from tellapart.training.run import machine, now, versions


def describe_training(
    asked: dict[str, Any], collection: Collection, split: Split, preparation: Preparation, recipe: Recipe
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
            "counts": split.counts(),
            "origin": split.origin,
            "digest": split.digest,
            "leaked": {part: len(split.leaks(part)) for part in ("validation", "test") if len(split.leaks(part))},
            "torn": {
                part: len(torn) for part in ("validation", "test") if len(torn := torn_groups(collection, split, part))
            },
            "class_counts": {
                part: collection.class_counts(split.indices(part)).tolist() for part, n in split.counts().items() if n
            },
        },
        "preparation": preparation.model_dump(),
        "recipe": recipe.changes(),
        "seed": asked["seed"],
        "versions": versions(),
        "machine": machine(),
    }


def remembered(record: dict[str, Any], collection: Collection, split: Split) -> dict[str, Any]:
    """What the model file itself keeps of a run's record: enough to find the same test part again."""
    return {
        "data": {key: record["data"][key] for key in ("name", "source", "class_names", "fingerprint")},
        "split": split.pack(),
        "class_counts": collection.class_counts(split.indices("train")).tolist(),
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

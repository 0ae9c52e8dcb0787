"""The plan of a training: everything that was decided before it starts. A run's run.json is this record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tellapart.data.collection import Collection
from tellapart.data.split_table import SplitTable, groups_across_splits
from tellapart.images.preprocessing import Preparation
from tellapart.recipes.find import AdaptiveRecipe
from tellapart.recipes.recipe import Recipe
from tellapart.training.machine import machine, now, versions
from tellapart.training.places import place_of_data
from tellapart.training.run_folder import FORMAT

HELD_OUT = ("validation", "test")


@dataclass(frozen=True, eq=False)
class Plan:
    """What was decided for a training.

    `recipe`, `class_names`, `preprocessing`, `seed` and `precision` (float32 or bfloat16) decide the weights, together
    with the pictures. The other fields are for the record: the `options` as plain values, the `data` and its `split`,
    the recipe's name in the library or its file (`recipe_base`), its fields before the data decided what it leaves open
    (`recipe_found`), `backbone`: whose weights the network starts from, if it does not start from scratch, and
    `surroundings`: time, versions, machine, backend.
    """

    recipe: Recipe
    class_names: tuple[str, ...]
    preprocessing: Preparation
    seed: int
    precision: str
    options: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    split: Mapping[str, Any] = field(default_factory=dict)
    recipe_base: str = ""
    recipe_found: Mapping[str, Any] = field(default_factory=dict)
    backbone: Mapping[str, Any] | None = None
    surroundings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def minutes(self) -> float | None:
        """The time budget of the whole run, if there is one."""
        return self.options.get("minutes")

    @property
    def folds(self) -> int | None:
        """The number of models of a cross-validation, if there is one."""
        return self.options.get("folds")

    @property
    def max_error_rate(self) -> float | None:
        """The share of wrong answers that the confidence threshold is to keep, if one was asked for."""
        return self.options.get("max_error_rate")

    @property
    def deterministic(self) -> bool:
        """Whether the result must be the same, bit for bit, on machines of the same kind."""
        return bool(self.options.get("deterministic"))

    def with_recipe(self, recipe: Recipe) -> Plan:
        """The same plan with another recipe: of a fold, or with a batch that fits in memory."""
        return replace(self, recipe=recipe)

    def to_record(self) -> dict[str, Any]:
        """The plan as run.json holds it, plain values."""
        return {
            "format": FORMAT,
            **self.surroundings,
            "options": dict(self.options),
            "data": dict(self.data),
            "split": dict(self.split),
            "preprocessing": self.preprocessing.model_dump(),
            "recipe": self.recipe.changes(),
            "recipe_base": self.recipe_base,
            "recipe_found": dict(self.recipe_found),
            "backbone": self.backbone and dict(self.backbone),
            "seed": self.seed,
            "precision": self.precision,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any], recipe: Recipe) -> Plan:
        """The plan that a run.json holds; `recipe` is the one it describes, with its network."""
        return cls(
            recipe=recipe,
            class_names=tuple(record["data"]["classes"]),
            preprocessing=Preparation.model_validate(record["preprocessing"]),
            seed=record["seed"],
            precision=record["precision"],
            options=record["options"],
            data=record["data"],
            split=record["split"],
            recipe_base=record["recipe_base"],
            recipe_found=record["recipe_found"],
            backbone=record.get("backbone"),
            surroundings={name: record[name] for name in ("started", "versions", "machine", "backend")},
        )

    def for_model_file(self, collection: Collection, split_table: SplitTable) -> dict[str, Any]:
        """What the model file keeps of the plan: enough to find the same test split again."""
        return {
            "data": {key: self.data[key] for key in ("name", "source", "class_names", "fingerprint")},
            "split": split_table.pack(),
            "class_counts": collection.class_counts(split_table.indices("train")).tolist(),
            "recipe": self.recipe.changes(),
            "backbone": self.backbone and dict(self.backbone),
            "versions": self.surroundings["versions"],
            "trained": self.surroundings["started"],
        }


@dataclass(frozen=True)
class Decided:
    """What the pictures decided: the recipe to the last field, the preprocessing, the precision.

    `backend` is what computes, with its version; `backbone` describes the pretrained backbone, if there is one.
    """

    recipe: Recipe
    preprocessing: Preparation
    precision: str
    backend: str
    backbone: Mapping[str, Any] | None = None


def make_plan(
    options: Mapping[str, Any], collection: Collection, split_table: SplitTable, found: AdaptiveRecipe, decided: Decided
) -> Plan:
    """A plan for a new run. `options` are plain values, with at least the seed and the class names that were given."""
    return Plan(
        recipe=decided.recipe,
        class_names=collection.class_names,
        preprocessing=decided.preprocessing,
        seed=options["seed"],
        precision=decided.precision,
        options=options,
        data=describe_data(collection, named=options["classes"] is not None),
        split=describe_split(collection, split_table),
        recipe_base=found.base,
        recipe_found=found.recipe.changes(),
        backbone=decided.backbone,
        surroundings={"started": now(), "versions": versions(), "machine": machine(), "backend": decided.backend},
    )


def describe_data(collection: Collection, named: bool) -> dict[str, Any]:
    """A collection as run.json describes it; `named`: the user gave the class names."""
    return {
        "name": collection.name,
        "source": place_of_data(collection.source),
        "class_names": list(collection.class_names) if named else None,
        "pictures": len(collection),
        "classes": list(collection.class_names),
        "fingerprint": collection.fingerprint,
    }


def _describe_groups(collection: Collection) -> dict[str, Any] | None:
    """The groups of a collection: their number, and what `--group` takes to make them; None without groups."""
    if collection.groups is None:
        return None
    return {"count": len(np.unique(collection.groups)), "by": collection.grouped_by}


def describe_split(collection: Collection, split_table: SplitTable) -> dict[str, Any]:
    """A split table as run.json describes it: pictures per split and class, and what makes its metrics optimistic."""
    counts = split_table.counts()
    leaked = {split: len(split_table.leaks(split)) for split in HELD_OUT}
    grouped = {split: len(groups_across_splits(collection, split_table, split)) for split in HELD_OUT}
    return {
        "counts": counts,
        "origin": split_table.origin,
        "digest": split_table.digest,
        "groups": _describe_groups(collection),
        "leaked": {split: count for split, count in leaked.items() if count},
        "groups_across_splits": {split: count for split, count in grouped.items() if count},
        "class_counts": {
            split: collection.class_counts(split_table.indices(split)).tolist() for split, n in counts.items() if n
        },
    }

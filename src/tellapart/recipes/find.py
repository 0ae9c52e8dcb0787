"""Find and check a recipe, given by a library name, a .toml or .py file, or a Recipe."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from tellapart import leaves
from tellapart.errors import RecipeError, did_you_mean, expected_value
from tellapart.images.views import without_mirror
from tellapart.networks import backbones
from tellapart.recipes.recipe import Adapt, Recipe

LIBRARY = "tellapart.recipes.library"


def names() -> tuple[str, ...]:
    """The names of the library recipes."""
    return leaves.names(LIBRARY)


def card(name: str) -> str:
    """The docstring of a library recipe."""
    return leaves.card(LIBRARY, name)


USUAL_RATES = {
    "adadelta": 1.0,
    "adagrad": 0.01,
    "adam": 0.001,
    "adamw": 0.001,
    "lion": 0.0003,
    "muon": 0.08,
    "nadam": 0.001,
    "rmsprop": 0.001,
    "sgd": 0.01,
}
"""Learning rates for a changed optimizer without a learning rate. They are Keras's defaults, except those of Adadelta
(Zeiler 2012), Adagrad and Lion (Chen and others 2023), which come from the papers, and of Muon, from `photos`."""


def _with_rate(first: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    """The changes; if they name another optimizer but no learning rate, with the usual rate of that optimizer.

    The recipe's rate is for its own optimizer, and may be wrong by a factor of a hundred for another.
    """
    chosen = changes.get("optimizer")
    if not isinstance(chosen, str) or chosen == first.optimizer or "learning_rate" in changes:
        return changes
    return changes | {"learning_rate": USUAL_RATES[chosen]} if chosen in USUAL_RATES else changes


class AdaptiveRecipe:
    """A recipe with its rule for adapting to the data, if any, and the user's changes, which override that rule."""

    def __init__(self, first: Recipe, adapt: Adapt | None = None, changes: dict[str, Any] | None = None) -> None:
        self.first, self.adapt, self.changes = first, adapt, changes or {}
        self.recipe = first

    @property
    def base(self) -> str:
        """The name of the recipe before any change."""
        return self.first.name

    @property
    def has_usual_rate(self) -> bool:
        """Whether the learning rate is the usual one of a changed optimizer."""
        return _with_rate(self.first, self.changes) is not self.changes

    def changed(self, changes: dict[str, Any], where: str) -> AdaptiveRecipe:
        """A copy with some fields changed; a dict changes single fields of a record such as `augmentation`.

        Another optimizer gets its usual learning rate, unless a rate is given too. Raises RecipeError, which names
        `where` (the file or option), for a wrong field or value.
        """
        changed = AdaptiveRecipe(self.first, self.adapt, _over(self.changes, changes))
        changed.recipe = _validated(self.first, _with_rate(self.first, changed.changes), where)
        return changed

    def for_data(self, pictures: int, shape: tuple[int, int, int]) -> Recipe:
        """The recipe for a number of training pictures of a preprocessed shape (height, width, channels).

        Raises RecipeError if the rule fails, which may come from the user's own file.
        """
        if self.adapt is None:
            return self._with_matching_views(self.recipe)
        try:
            adapted = self.adapt(self.recipe, pictures, shape)
        except RecipeError:
            raise
        except Exception as error:
            raise RecipeError(
                f"adapt() of {self.recipe.name} raises {type(error).__name__}: {error}",
                "def adapt(recipe, pictures, shape): ... that returns a Recipe",
                "",
            ) from error
        if not isinstance(adapted, Recipe):
            raise RecipeError(
                f"adapt() of {self.recipe.name} returned a {type(adapted).__name__}",
                "a tellapart.Recipe",
                "return recipe.model_copy(update={...})",
            )
        return self._with_matching_views(_validated(adapted, _with_rate(self.first, self.changes), self.recipe.name))

    def _with_matching_views(self, recipe: Recipe) -> Recipe:
        """Without mirrored views if the user turned mirroring off in training and did not set the views."""
        changed = self.changes.get("augmentation", {})
        flip_changed = not isinstance(changed, dict) or "flip" in changed
        if "views" in self.changes or not flip_changed or recipe.augmentation.flip not in ("none", "vertical"):
            return recipe
        return recipe.model_copy(update={"views": without_mirror(recipe.views)})

    def followed(self) -> dict[str, list[Any]]:
        """The values, ascending, of the fields that depend on the data, for small to large collections.

        Fields of the augmentation have names such as `augmentation.cutmix`.
        """
        sizes = [(pictures, shape) for pictures in PICTURES for shape in SHAPES]
        seen: dict[str, list[Any]] = {}
        for recipe in [self.recipe] if self.adapt is None else [self.for_data(*size) for size in sizes]:
            for name, value in _flat(recipe.changes()).items():
                if value not in (values := seen.setdefault(name, [])):
                    values.append(value)
        first = _flat(self.recipe.changes())
        ascending = {
            name: sorted(values, key=lambda value: (value is not None, value)) for name, values in seen.items()
        }
        return {name: values for name, values in ascending.items() if values != [first[name]]}


PICTURES = (100, 1_000, 3_000, 5_000, 7_000, 20_000, 50_000, 200_000)
SHAPES = ((28, 28, 1), (32, 32, 3), (128, 128, 3))
"""Sizes and shapes of collections that show how a recipe adapts to its data."""


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    inner = {name: value for name, value in fields.items() if isinstance(value, dict)}
    below = {f"{name}.{key}": field for name, value in inner.items() for key, field in value.items()}
    return {name: value for name, value in fields.items() if name not in inner} | below


def find_recipe(source: str | Path | Recipe) -> AdaptiveRecipe:
    """Find a recipe. Raises RecipeError, which names the file, the wrong field and the valid values."""
    if isinstance(source, Recipe):
        return AdaptiveRecipe(source)
    if not isinstance(source, (str, Path)):
        raise RecipeError(
            f"a recipe of type {type(source).__name__}",
            "a name, the path of a .toml or .py file, or a tellapart.Recipe",
            "for a function, use tellapart.Recipe(name=..., network=function)",
        )
    text = str(source)
    if text in names():
        return _from_module(leaves.load(LIBRARY, text, "a recipe"), text)
    path = Path(text).expanduser()
    if path.suffix in (".toml", ".py"):
        if not path.is_file():
            raise RecipeError(f"{path}: there is no such file", "a recipe file", "check the path")
        return _from_toml(path) if path.suffix == ".toml" else _from_python(path)
    raise RecipeError(
        f"{text!r} is not a recipe",
        "a library recipe's name, or the path of a .toml or .py file",
        did_you_mean(text, names()),
    )


def _from_toml(path: Path) -> AdaptiveRecipe:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{path}: cannot be read ({error})", "a TOML file", "") from error
    base = table.pop("base", None)
    if not isinstance(base, str):
        raise RecipeError(
            f"{path}: does not name the recipe that it changes",
            'a line such as base = "quick"',
            did_you_mean("", names()),
        )
    if base not in names():
        raise RecipeError(f"{path}: base {base!r} is not a recipe", "a library recipe", did_you_mean(base, names()))
    table.setdefault("name", path.stem)
    return find_recipe(base).changed(table, str(path))


def _from_python(path: Path) -> AdaptiveRecipe:
    from tellapart.networks import (
        backend,
    )  # the user's file imports keras: start it first, quietly and on the chosen backend

    assert backend.NAME
    spec = importlib.util.spec_from_file_location(f"tellapart_recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RecipeError(f"{path}: raises {type(error).__name__}: {error}", "a Python file that runs", "") from error
    if not callable(getattr(module, "network", None)):
        raise RecipeError(
            f"{path}: defines no function 'network'",
            "def network(shape, classes): ... that returns a keras.Model",
            "see docs/recipes.md for an example",
        )
    return _from_module(module, path.stem)


def _from_module(module: ModuleType, name: str) -> AdaptiveRecipe:
    recipe = getattr(module, "RECIPE", None)
    if recipe is None:
        recipe = Recipe(name=name, network=module.network)
    elif not isinstance(recipe, Recipe):
        raise RecipeError(f"{module.__file__}: RECIPE is a {type(recipe).__name__}", "a tellapart.Recipe", "")
    return AdaptiveRecipe(recipe, getattr(module, "adapt", None))


def _validated(recipe: Recipe, changes: dict[str, Any], where: str) -> Recipe:
    code = {"network", "initialise"} & set(changes)
    if code:
        raise RecipeError(
            f"{where}: changes the field {code.pop()!r}, which is a function", "a .py recipe that defines it", ""
        )
    _check_backbone(recipe, changes, where)
    values = {name: getattr(recipe, name) for name in Recipe.model_fields}
    for name, value in changes.items():
        field, before = Recipe.model_fields.get(name), values.get(name)
        values[name] = value
        if isinstance(before, BaseModel) and isinstance(value, dict):
            values[name] = before.model_dump() | value
        elif value == "none" and field is not None and type(None) in get_args(field.annotation):
            values[name] = None  # TOML and the command line have no other way to write None
    try:
        return Recipe(**values)
    except ValidationError as error:
        raise _recipe_error(error, where) from error


def _check_backbone(recipe: Recipe, changes: dict[str, Any], where: str) -> None:
    """Raise RecipeError for a backbone that does not exist, or that the recipe's network cannot start from."""
    name = changes.get("backbone")
    if name is not None and name not in backbones.names():
        raise RecipeError(
            f"{where}: backbone = {name!r}", "the name of a backbone", did_you_mean(str(name), backbones.names())
        )
    if recipe.backbone is None and (name is not None or changes.get("frozen")):
        field = "backbone" if name is not None else "frozen"
        raise RecipeError(
            f"{where}: sets {field}, and the recipe {recipe.name} trains from scratch",
            "a recipe that starts from a backbone, such as features or finetune",
            "",
        )


def _over(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Fields overridden by changes; a table overrides only the fields that it names."""
    merged = dict(fields)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _recipe_error(error: ValidationError, where: str) -> RecipeError:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"]))
    if first["type"] == "extra_forbidden":
        parent = first["loc"][0] if len(first["loc"]) > 1 else None
        record: Any = Recipe if parent is None else Recipe.model_fields[str(parent)].annotation
        fields = set(record.model_fields) - {"network", "initialise"}
        return RecipeError(
            f"{where}: has the unknown field {field!r}",
            "a field of a recipe",
            did_you_mean(str(first["loc"][-1]), fields),
        )
    return RecipeError(
        f"{where}: {field} = {first['input']!r}",
        _expected(first),
        "'tellapart recipes NAME' shows the fields of a recipe",
    )


def _expected(failure: Any) -> str:
    """What the field of a recipe, or of a record in it, accepts."""
    record: Any = Recipe
    for name in failure["loc"][:-1]:
        record = record.model_fields[str(name)].annotation
    info = record.model_fields.get(str(failure["loc"][-1])) if hasattr(record, "model_fields") else None
    return (
        expected_value(info.annotation, info.metadata, failure) if info else "fields that do not contradict each other"
    )

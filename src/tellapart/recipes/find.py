"""From what a person names - a library recipe, my.toml, my.py, a Recipe - to the recipe, checked."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from tellapart import leaves
from tellapart.errors import RecipeError, did_you_mean
from tellapart.images.views import without_mirror
from tellapart.recipes.recipe import Adapt, Recipe

LIBRARY = "tellapart.recipes.library"


def names() -> tuple[str, ...]:
    """The library's recipes by name."""
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
"""Learning rates for who changes a recipe's optimizer and says nothing of the rate: Keras's, and their papers' of
Adadelta (Zeiler 2012), Adagrad and Lion (Chen and others 2023); of Muon that of `photos`."""


def _with_rate(first: Recipe, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes of a recipe with the rate of another optimizer that they name, where they name none: the recipe's own may
    be a hundred times off.
    """
    chosen = changes.get("optimizer")
    if not isinstance(chosen, str) or chosen == first.optimizer or "learning_rate" in changes:
        return changes
    return changes | {"learning_rate": USUAL_RATES[chosen]} if chosen in USUAL_RATES else changes


class Found:
    """A recipe and, where it has one, the rule by which it follows the data; `changes` win over that rule."""

    def __init__(self, first: Recipe, adapt: Adapt | None = None, changes: dict[str, Any] | None = None) -> None:
        self.first, self.adapt, self.changes = first, adapt, changes or {}
        self.recipe = first

    @property
    def base(self) -> str:
        """What the recipe was called before its name was changed, if it was."""
        return self.first.name

    @property
    def has_usual_rate(self) -> bool:
        """Whether its learning rate came with another optimizer, since nobody gave one."""
        return _with_rate(self.first, self.changes) is not self.changes

    def changed(self, changes: dict[str, Any], where: str) -> Found:
        """With some fields changed; of a field that is a record, those that a dict names. Another optimizer comes with
        its usual learning rate, unless a rate is given too.

        Raises RecipeError under the name `where` for a wrong field or value.
        """
        found = Found(self.first, self.adapt, _over(self.changes, changes))
        found.recipe = _validated(self.first, _with_rate(self.first, found.changes), where)
        return found

    def for_data(self, pictures: int, shape: tuple[int, int, int]) -> Recipe:
        """The recipe for so many training pictures of a prepared shape.

        Raises RecipeError where the rule of a person's own does not work.
        """
        if self.adapt is None:
            return self._looking_as_it_learns(self.recipe)
        try:
            adapted = self.adapt(self.recipe, pictures, shape)
        except RecipeError:
            raise
        except Exception as error:
            raise RecipeError(
                f"adapt() of {self.recipe.name} stops with {type(error).__name__}: {error}",
                "def adapt(recipe, pictures, shape): ... that returns a Recipe",
                "correct it",
            ) from error
        if not isinstance(adapted, Recipe):
            raise RecipeError(
                f"adapt() of {self.recipe.name} returned a {type(adapted).__name__}",
                "a tellapart.Recipe",
                "return recipe.model_copy(update={...})",
            )
        return self._looking_as_it_learns(_validated(adapted, _with_rate(self.first, self.changes), self.recipe.name))

    def _looking_as_it_learns(self, recipe: Recipe) -> Recipe:
        """Where mirroring was turned off, and nothing said of views, prediction does not look at mirrored pictures."""
        changed = self.changes.get("augmentation", {})
        turned = not isinstance(changed, dict) or "flip" in changed
        if "views" in self.changes or not turned or recipe.augmentation.flip not in ("none", "vertical"):
            return recipe
        return recipe.model_copy(update={"views": without_mirror(recipe.views)})

    def followed(self) -> dict[str, list[Any]]:
        """What the fields that follow the data become, from small collections to large ones: their values, ascending.

        Of fields of the augmentation by names such as `augmentation.cutmix`.
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
"""Collections that show what a recipe makes of its data."""


def _flat(fields: dict[str, Any]) -> dict[str, Any]:
    inner = {name: value for name, value in fields.items() if isinstance(value, dict)}
    below = {f"{name}.{key}": one for name, value in inner.items() for key, one in value.items()}
    return {name: value for name, value in fields.items() if name not in inner} | below


def find_recipe(source: str | Path | Recipe) -> Found:
    """Find a recipe. Raises RecipeError that names the file and the field at fault, and what may stand there."""
    if isinstance(source, Recipe):
        return Found(source)
    if not isinstance(source, (str, Path)):
        raise RecipeError(
            f"a recipe of type {type(source).__name__}",
            "a name, the path of a .toml or .py file, or a tellapart.Recipe",
            "of a function: tellapart.Recipe(name=..., network=function)",
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


def _from_toml(path: Path) -> Found:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise RecipeError(f"{path}: cannot be read ({error})", "a TOML file", "correct the line it names") from error
    base = table.pop("base", None)
    if not isinstance(base, str):
        raise RecipeError(
            f"{path}: does not say which recipe it changes", 'a line such as base = "quick"', did_you_mean("", names())
        )
    if base not in names():
        raise RecipeError(f"{path}: base {base!r} is not a recipe", "a library recipe", did_you_mean(base, names()))
    found = find_recipe(base)
    table.setdefault("name", path.stem)
    return found.changed(table, str(path))


def _from_python(path: Path) -> Found:
    from tellapart.networks import backend  # the person's file imports keras: start it quietly, on the chosen backend

    assert backend.NAME
    spec = importlib.util.spec_from_file_location(f"tellapart_recipe_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise RecipeError(
            f"{path}: stops with {type(error).__name__}: {error}", "a Python file that runs", "correct it"
        ) from error
    if not callable(getattr(module, "network", None)):
        raise RecipeError(
            f"{path}: defines no function 'network'",
            "def network(shape, classes): ... that returns a keras.Model",
            "see docs/recipes.md for an example",
        )
    return _from_module(module, path.stem)


def _from_module(module: ModuleType, name: str) -> Found:
    recipe = getattr(module, "RECIPE", None)
    if recipe is None:
        recipe = Recipe(name=name, network=module.network)
    elif not isinstance(recipe, Recipe):
        raise RecipeError(
            f"{module.__file__}: RECIPE is a {type(recipe).__name__}", "a tellapart.Recipe", "make it one"
        )
    return Found(recipe, getattr(module, "adapt", None))


def _validated(recipe: Recipe, changes: dict[str, Any], where: str) -> Recipe:
    code = {"network", "initialise"} & set(changes)
    if code:
        raise RecipeError(
            f"{where}: changes the field {code.pop()!r}", "a .py recipe for that", "write it as a function there"
        )
    values = {name: getattr(recipe, name) for name in Recipe.model_fields}
    for name, value in changes.items():
        field, before = Recipe.model_fields.get(name), values.get(name)
        values[name] = value
        if isinstance(before, BaseModel) and isinstance(value, dict):
            values[name] = before.model_dump() | value
        elif value == "none" and field is not None and type(None) in get_args(field.annotation):
            values[name] = None  # which neither TOML nor a command line can write
    try:
        return Recipe(**values)
    except ValidationError as error:
        raise _as_words(error, where) from error


def _over(fields: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Fields with others over them; a table changes what it names, and keeps the rest."""
    merged = dict(fields)
    for name, value in changes.items():
        before = merged.get(name)
        merged[name] = before | value if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _as_words(error: ValidationError, where: str) -> RecipeError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
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
        first["msg"][0].lower() + first["msg"][1:],
        "correct the value; 'tellapart recipes NAME' shows a recipe's fields",
    )
